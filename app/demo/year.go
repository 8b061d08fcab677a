package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "embed"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

//go:embed lighthouse.yaml
var lighthouse string

// year is the year of the second project: played in a fork of the installation while the first project is live, then brought home.
type year struct {
	*Demo
	from, to time.Time
	events   []sim.Event
	backup   []byte // of the installation, with its people and nothing else
	began    time.Time

	mu      sync.Mutex
	reached time.Time // simulated
	state   string    // "" before it begins, then "playing", "moving", "done" or what went wrong
	rows    int
}

// newYear invents the year. Its numbers are reserved before the first project takes any, so the older project has the lower ones.
func (d *Demo) newYear(now time.Time, seed uint64) *year {
	y := &year{Demo: d, to: now.Add(-2 * time.Hour)}
	y.from = now.AddDate(0, 0, -d.cfg.YearDays).Truncate(24 * time.Hour).Add(8 * time.Hour)
	y.events = sim.Plan(sim.Lighthouse(d.zone), seed, y.from, y.to)
	return y
}

// numbers are those that the year may need.
func (y *year) numbers() map[mainstay.Kind]int {
	c := sim.Counts(y.events)
	return map[mainstay.Kind]int{
		mainstay.KindAlert: c.Alerts, mainstay.KindPage: c.Pages, mainstay.KindIncident: c.Incidents, mainstay.KindRootCause: c.Incidents,
		mainstay.KindAction: c.Actions, mainstay.KindArticle: c.Articles, mainstay.KindWindow: c.Windows,
	}
}

// run plays the year and brings it home. It says how far it is.
func (y *year) run(ctx context.Context) error {
	y.began = time.Now()
	dir := filepath.Join(y.dir, "lighthouse")
	defer os.RemoveAll(dir) //nolint:errcheck // the whole folder goes at the end
	clock := mainstay.NewMoved(y.from.Add(-time.Hour))
	cfg := y.config(dir, clock)
	cfg.Channels = map[string]notify.Sender{"email": nobody{}, "webhook": nobody{}}
	y.set("playing", y.from)
	fork, err := app.Split(ctx, cfg, y.backup)
	if err != nil {
		return err
	}
	y.backup, fork.Reserved = nil, y.numbers()
	if err := y.play(ctx, cfg, clock); err != nil {
		return err
	}
	y.set("moving", y.to)
	err = y.App.Adopt(ctx, fork, func(rows int) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.rows = rows
	})
	if err != nil {
		return err
	}
	_, err = y.App.Apply(ctx, operator, []app.Source{{Name: "people.yaml", Text: peopleWith(y.hookAt, "harbour", "lighthouse")}}, false, nil)
	if err == nil {
		y.set("done", y.to)
		y.Progress(fmt.Sprintf("Lighthouse has come home with its year: %d rows, after %.0f s", y.rows, time.Since(y.began).Seconds()))
	}
	return err
}

// play plays the year in the fork.
func (y *year) play(ctx context.Context, cfg app.Config, clock *mainstay.Moved) error {
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // what was played is committed
	return a.Work(ctx, func(ctx context.Context) error {
		text := lighthouse + peopleWith(y.hookAt, "lighthouse")
		if _, err := a.Apply(ctx, operator, []app.Source{{Name: "lighthouse.yaml", Text: text}}, false, nil); err != nil {
			return err
		}
		p, err := newPlayer(ctx, a, clock, "lighthouse", y.people)
		if err != nil {
			return err
		}
		month := time.Month(0)
		err = p.play(ctx, y.events, func(t time.Time) {
			y.set("playing", t)
			if m := t.Month(); m != month {
				month = m
				y.Progress(fmt.Sprintf("Lighthouse: %s, %d %% of its year", t.Format("January 2006"), y.percent()))
			}
		})
		if err != nil {
			return err
		}
		y.played = p
		return p.runTo(ctx, y.to)
	})
}

func (y *year) set(state string, reached time.Time) {
	y.mu.Lock()
	y.state, y.reached = state, reached
	y.mu.Unlock()
	if y.App != nil {
		y.App.Touch(y.project, mainstay.Ref{Kind: "demo", ID: "year"})
	}
}

// percent is how much of the whole work is done; the moving is taken for the last twentieth.
func (y *year) percent() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch y.state {
	case "":
		return 0
	case "done":
		return 100
	case "moving":
		return 95
	}
	return int(95 * y.reached.Sub(y.from) / y.to.Sub(y.from))
}

// panel shows on Now how far the year is, until it has come home.
func (y *year) panel() web.Panel {
	return web.Panel{Where: "now", Title: "The demonstration", Order: 1, Side: true, Render: func(context.Context, web.At) (web.Component, error) {
		y.mu.Lock()
		state, reached := y.state, y.reached
		y.mu.Unlock()
		text := "A second project, Lighthouse, is about to live through a year"
		switch {
		case state == "done":
			return nil, nil //nolint:nilnil // nothing to show any more
		case state == "playing":
			text = "The year of a second project, Lighthouse, is being played: " + reached.Format("2 January 2006")
		case state == "moving":
			text = "Lighthouse comes home with its year"
		case strings.HasPrefix(state, "failed"):
			return ui.NoteText(ui.ToneWarn, "The year of Lighthouse could not be played.", state), nil
		}
		return ui.Progress(y.percent(), 100, text), nil
	}}
}

// nobody takes messages and keeps none: the year's are history.
type nobody struct{}

// Send implements notify.Sender.
func (nobody) Send(context.Context, notify.Message) (notify.Receipt, error) {
	return notify.Receipt{Answer: "taken by the demonstration"}, nil
}
