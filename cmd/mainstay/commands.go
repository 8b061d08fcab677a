package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/app/demo"
)

type setupCmd struct {
	database
	Admin        string `help:"Mail address of the first administrator." required:"" placeholder:"EMAIL"`
	PasswordFile string `help:"File that holds the password; - reads standard input." required:"" placeholder:"FILE"`
}

// Run makes the first administrator, also while the server runs.
func (c *setupCmd) Run(ctx context.Context) error {
	password, err := readPassword(c.PasswordFile)
	if err != nil {
		return err
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeApp(a)
	if err := a.Setup(ctx, c.Admin, password); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%s is administrator now.\n", c.Admin)
	return nil
}

// remote are the flags of commands that can also ask a running server.
type remote struct {
	Server string `help:"Ask this server instead of opening the database." placeholder:"URL"`
	Token  string `help:"API token for --server." placeholder:"TOKEN"`
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API token and print it, once."`
}

type tokenCreateCmd struct {
	database
	remote
	Name    string `help:"What it is for." required:""`
	Role    string `help:"administrator, manager, responder, member or stakeholder." required:""`
	Project string `help:"Only in this project." placeholder:"NAME"`
}

// Run prints the token alone, one line.
func (c *tokenCreateCmd) Run(ctx context.Context) error {
	if c.Server != "" {
		var out struct {
			Secret string `json:"secret"`
		}
		in := map[string]string{"name": c.Name, "role": c.Role, "project": c.Project}
		if err := c.ask(ctx, "POST", "/api/v1/tokens", in, &out); err != nil {
			return err
		}
		fmt.Println(out.Secret)
		return nil
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeApp(a)
	token, err := a.CreateToken(ctx, c.Name, c.Role, c.Project)
	if err == nil {
		fmt.Println(token)
	}
	return err
}

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make an intake key and print it, once."`
}

type keyCreateCmd struct {
	database
	remote
	Project string `help:"Project that receives the signals." required:"" placeholder:"NAME"`
	Service string `help:"Service that they are about, unless they say so themselves." placeholder:"NAME"`
	Format  string `help:"alertmanager, generic or heartbeat." required:""`
}

// Run prints the key alone, one line.
func (c *keyCreateCmd) Run(ctx context.Context) error {
	if c.Server != "" {
		var out struct {
			Key string `json:"key"`
		}
		in := map[string]string{"project": c.Project, "service": c.Service, "format": c.Format}
		if err := c.ask(ctx, "POST", "/api/v1/keys", in, &out); err != nil {
			return err
		}
		fmt.Println(out.Key)
		return nil
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeApp(a)
	key, err := a.CreateKey(ctx, c.Project, c.Service, c.Format)
	if err == nil {
		fmt.Println(key)
	}
	return err
}

type journalCmd struct {
	Verify journalVerifyCmd `cmd:"" help:"Recompute every link of every chain."`
}

type journalVerifyCmd struct {
	database
	Output string `short:"o" help:"table or json." enum:"table,json" default:"table"`
}

var errNotWhole = errors.New("the journal is not whole: facts are missing or were altered")

// Run exits with 3 when a chain has a fault.
func (c *journalVerifyCmd) Run(ctx context.Context) error {
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closeApp(a)
	list, err := a.VerifyJournal(ctx)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		err = json.NewEncoder(os.Stdout).Encode(list)
	} else {
		w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "PROJECT\tFACTS\tBATCHES\tVERDICT")
		for _, v := range list {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", v.Project, v.Facts, v.Batches, v.Verdict)
		}
		err = w.Flush()
	}
	for _, v := range list {
		if !v.Whole {
			err = errors.Join(err, errNotWhole)
		}
	}
	return err
}

type statusCmd struct {
	Snapshot  string `help:"Folder that a server has written (its data folder's status, or a copy)." required:"" placeholder:"DIR"`
	Listen    string `help:"Address of the status page." default:"127.0.0.1:8081" placeholder:"ADDR"`
	PublicKey string `help:"Only trust snapshots signed with this key; without it, the first key seen." placeholder:"KEY"`
}

// Run serves the snapshot until it is told to stop; it needs no database.
func (c *statusCmd) Run(ctx context.Context) error {
	return app.ServeSnapshot(ctx, app.SnapshotConfig{Dir: c.Snapshot, Listen: c.Listen, PublicKey: c.PublicKey, Log: database{LogLevel: "info"}.log()})
}

type demoCmd struct {
	Listen       string `help:"Address of the pages." default:"127.0.0.1:8080" placeholder:"ADDR"`
	StatusListen string `help:"Address of the status page." default:"127.0.0.1:8081" placeholder:"ADDR"`
	Keep         string `help:"Use this folder, and keep it." placeholder:"DIR"`
	Seed         uint64 `help:"Another seed is another world." default:"1" placeholder:"N"`
	Days         int    `help:"Days of the shop's past." default:"30" placeholder:"N"`
	Year         bool   `help:"Play a year of a second project meanwhile." default:"true" negatable:""`
}

// Run plays a past, goes live, and plays the year of a second project meanwhile, until it is told to stop.
func (c *demoCmd) Run(ctx context.Context) error {
	d, err := demo.New(ctx, demo.Config{
		Listen: c.Listen, StatusListen: c.StatusListen, Dir: c.Keep, Version: version, Seed: c.Seed, Days: c.Days, NoYear: !c.Year,
		Log: database{LogLevel: "warn"}.log(), Progress: func(s string) { fmt.Fprintln(os.Stderr, s) },
	})
	if err != nil {
		return err
	}
	defer d.Close()
	fmt.Printf("\n  %s\n  sign in as %s with %s\n  public status page: %s\n\nStop with Ctrl-C.\n", d.URL, d.Email, d.Password, d.StatusURL)
	return waitAndStop(ctx, d.App)
}
