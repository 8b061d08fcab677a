package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mainstayhq/mainstay/app"
)

// quiet is the configuration of a command that only warns, unless more is asked for.
func (d database) quiet() (app.Config, error) {
	cfg, err := d.config()
	if d.LogLevel == "info" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return cfg, err
}

type backupCmd struct {
	database
	Verify bool   `help:"Write nothing: read the file to its end and compare all of it with what it says it holds."`
	File   string `arg:"" help:"The backup: one file, readable by its owner alone; an older one of that name is replaced when the new one is whole." placeholder:"FILE"`
}

// Run writes or verifies a backup.
func (c *backupCmd) Run(ctx context.Context) error {
	if c.Verify {
		sum, err := app.CheckBackup(c.File)
		if err != nil {
			return err
		}
		fmt.Printf("%s is whole: taken %s by Mainstay %s on %s, %d rows in %d tables, %d files.\n", c.File,
			sum.Head.Taken.UTC().Format(time.RFC3339), sum.Head.Version, sum.Head.Engine, sum.Total(), len(sum.Head.Tables), sum.Files)
		return nil
	}
	cfg, err := c.quiet()
	if err != nil {
		return err
	}
	taken, err := app.BackupFile(ctx, cfg, c.File)
	if err != nil {
		return err
	}
	for _, sha := range taken.Missing {
		fmt.Fprintf(os.Stderr, "mainstay: the content of an exhibit is missing in the folder of files, so it is not in the backup: %s\n", sha)
	}
	fmt.Printf("%s holds %d rows in %d tables, and %d files.\nThe secret key is not in it. Keep a copy of %s apart.\n",
		c.File, taken.Total(), len(taken.Head.Tables), taken.Files, cfg.SecretKeyFile)
	return nil
}

type restoreCmd struct {
	database
	File string `arg:"" help:"The backup." placeholder:"FILE"`
}

// Run fills an empty installation. It exits with 3 when what was backed up has a journal that is not whole.
func (c *restoreCmd) Run(ctx context.Context) error {
	cfg, err := c.quiet()
	if err != nil {
		return err
	}
	out, err := app.RestoreFile(ctx, cfg, c.File)
	if err != nil {
		return err
	}
	return restored(os.Stdout, out, cfg.SecretKeyFile)
}

// restored says what came, and what is to be done.
func restored(w io.Writer, out app.Restored, key string) error {
	var facts int64
	for _, c := range out.Chains {
		facts += c.Facts
	}
	fmt.Fprintf(w, "Restored %d rows in %d tables and %d files, as they were at %s.\n", out.Total(), len(out.Head.Tables), out.Files, out.Head.Taken.UTC().Format(time.RFC3339))
	if out.Whole() {
		fmt.Fprintf(w, "The journal is whole: %d facts in %d chains.\n", facts, len(out.Chains))
	}
	for _, sha := range out.Missing {
		fmt.Fprintf(w, "The content of an exhibit is missing: %s\n", sha)
	}
	for _, kind := range out.Behind {
		fmt.Fprintf(w, "Numbers of kind %s would be given twice: the backup was taken of a database that somebody has altered.\n", kind)
	}
	switch out.Key {
	case "absent":
		fmt.Fprintf(w, "Put the secret key of the old installation into %s before the start: a start without it makes another, which cannot open the secrets of webhooks.\n", key)
	case "other":
		fmt.Fprintf(w, "The secret key in %s is not that of the old installation: the secrets of webhooks cannot be opened with it. Put the old one there before the start.\n", key)
	}
	for _, c := range out.Chains {
		if !c.Whole {
			fmt.Fprintln(w, c.Verdict)
		}
	}
	if !out.Whole() {
		return errNotWhole
	}
	return nil
}

type migrateCmd struct {
	From          string `help:"What to move: a data folder, or a PostgreSQL database (postgres://user@host/name)." required:"" placeholder:"DIR|URL"`
	To            string `help:"Where to: a folder or database that is empty." required:"" placeholder:"DIR|URL"`
	Data          string `help:"Folder of files beside the PostgreSQL database; ./mainstay-data unless you say another." default:"./mainstay-data" placeholder:"DIR"`
	SecretKeyFile string `help:"The secret key, which is not moved; secret.key in the old folder unless you say another." placeholder:"FILE"`
}

// Run moves an installation between folders and databases. The old one stays as it is.
func (c *migrateCmd) Run(ctx context.Context) error {
	if c.From == c.To {
		return usage("--from and --to are the same")
	}
	from, to := c.place(c.From), c.place(c.To)
	out, err := app.Move(ctx, from, to)
	if err != nil {
		return err
	}
	return restored(os.Stdout, out, to.SecretKeyFile)
}

func (c *migrateCmd) place(where string) app.Config {
	cfg := app.Config{Data: where, Version: version, Log: database{LogLevel: "warn"}.log()}
	if strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://") {
		cfg.Data, cfg.DatabaseURL = c.Data, where
	}
	if cfg.SecretKeyFile = c.SecretKeyFile; cfg.SecretKeyFile == "" {
		cfg.SecretKeyFile = filepath.Join(cfg.Data, "secret.key")
	}
	return cfg
}

type doctorCmd struct {
	serveCmd
	Deep   bool   `help:"Also read the whole file of a large embedded database."`
	Strict bool   `help:"Exit with 1 also for what is only worth a look."`
	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

var errUnwell = errors.New("something is wrong: see above")

// Run exits with 1 when something is wrong.
func (c *doctorCmd) Run(ctx context.Context) error {
	cfg, err := c.serveConfig()
	if err != nil {
		return err
	}
	quiet, err := c.quiet()
	if err != nil {
		return err
	}
	cfg.Log = quiet.Log
	list, err := app.Examine(ctx, cfg, c.Deep)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = json.NewEncoder(os.Stdout).Encode(list)
	} else {
		w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		for _, f := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Check, f.Says)
			if f.Why != "" {
				fmt.Fprintf(w, "\t\t  %s\n", f.Why)
			}
			if f.Do != "" {
				fmt.Fprintf(w, "\t\t→ %s\n", f.Do)
			}
		}
		err = w.Flush()
	}
	for _, f := range list {
		if f.State == app.Wrong || c.Strict && f.State == app.Look {
			return errors.Join(err, errUnwell)
		}
	}
	return err
}
