package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
)

type applyCmd struct {
	database
	remote
	File             string `short:"f" help:"Manifest file, folder of .yaml files, or - for standard input." required:"" placeholder:"FILE|DIR"`
	DryRun           bool   `help:"Show what would change, field by field, and change nothing."`
	Prune            bool   `help:"Also remove what is configured in the projects of these manifests and in none of them. What has a history is retired, deactivated or cancelled, not deleted."`
	PruneLimit       int    `help:"Refuse to remove more than so many percent of what is configured; up to ten objects are never too many." default:"50" placeholder:"PERCENT"`
	DetailedExitcode bool   `help:"Exit with 2 when something changed, or would in a dry run; 0 when all is as the manifests say; 1 for any fault."`
	Color            string `help:"auto, always or never; auto colours on a terminal." enum:"auto,always,never" default:"auto"`
	Output           string `short:"o" help:"text, json or yaml." enum:"text,json,yaml" default:"text"`
}

// errChanged is exit code 2 of --detailed-exitcode; it is no failure.
var errChanged = errors.New("something changed")

// failure is exit code 1 whatever the code of the error.
type failure struct{ error }

// Unwrap gives the error.
func (f failure) Unwrap() error { return f.error }

// Run applies manifests: all of them, or with any fault none.
func (c *applyCmd) Run(ctx context.Context) error {
	err := c.run(ctx)
	if c.DetailedExitcode && err != nil && !errors.Is(err, errChanged) {
		return failure{err}
	}
	return err
}

func (c *applyCmd) run(ctx context.Context) error {
	if c.PruneLimit < 1 || c.PruneLimit > 100 {
		return usage("--prune-limit is between 1 and 100, not %d", c.PruneLimit)
	}
	sources, err := c.sources()
	if err != nil {
		return err
	}
	changes, err := c.apply(ctx, sources)
	if err != nil {
		return err
	}
	if err := c.show(changes); err != nil {
		return err
	}
	for _, ch := range changes {
		if ch.Changed && c.DetailedExitcode {
			return errChanged
		}
	}
	return nil
}

func (c *applyCmd) sources() ([]app.Source, error) {
	if c.File != "-" {
		return app.ReadSources(c.File)
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, 8<<20))
	return []app.Source{{Name: "standard input", Text: string(text)}}, err
}

func (c *applyCmd) apply(ctx context.Context, sources []app.Source) ([]app.Change, error) {
	if c.Server != "" {
		var out struct {
			Items []app.Change `json:"items"`
		}
		err := c.ask(ctx, "POST", "/api/v1/apply", map[string]any{
			"sources": sources, "dryRun": c.DryRun, "prune": c.Prune, "pruneLimit": c.PruneLimit,
		}, &out)
		return out.Items, err
	}
	a, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeApp(a)
	return a.Carry(ctx, mainstay.System("operator"), app.Order{Sources: sources, DryRun: c.DryRun, Prune: c.Prune, PruneLimit: c.PruneLimit}, nil)
}

func (c *applyCmd) show(changes []app.Change) error {
	switch c.Output {
	case "json":
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(changes)
	case "yaml":
		text, err := json.Marshal(changes) // its names are those of the JSON
		if err == nil {
			text, err = yaml.JSONToYAML(text)
		}
		if err == nil {
			_, err = os.Stdout.Write(text)
		}
		return err
	}
	palette := app.Palette{}
	if c.Color == "always" || c.Color == "auto" && terminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		palette = app.Terminal
	}
	return app.Show(os.Stdout, changes, c.DryRun, palette)
}

// terminal reports whether people look at the file.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

type exportCmd struct {
	database
	remote
	Project string `help:"Only this project." placeholder:"NAME"`
	Schema  string `help:"Address of the JSON Schema that the first line names for editors; none for no such line." default:"mainstay-v1.json" placeholder:"URL|FILE"`
}

// Run prints manifests that apply reads.
func (c *exportCmd) Run(ctx context.Context) error {
	text, err := c.text(ctx)
	if err != nil {
		return err
	}
	if c.Schema != "none" && c.Schema != "" {
		fmt.Printf("# yaml-language-server: $schema=%s\n", c.Schema)
	}
	_, err = io.WriteString(os.Stdout, text)
	return err
}

func (c *exportCmd) text(ctx context.Context) (string, error) {
	if c.Server != "" {
		var out struct {
			Text string `json:"text"`
		}
		err := c.ask(ctx, "GET", "/api/v1/export?project="+url.QueryEscape(c.Project), nil, &out)
		return out.Text, err
	}
	a, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	defer closeApp(a)
	var b strings.Builder
	err = a.Export(ctx, &b, c.Project)
	return b.String(), err
}

type schemaCmd struct{}

// Run prints the JSON Schema of the manifests.
func (schemaCmd) Run() error {
	text, err := app.Schema()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	return err
}
