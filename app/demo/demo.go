// Package demo owns the demonstration: two projects with a past that was played through the services on a moved clock, and faults that
// come and go live through the real intake. It never writes a row by itself, and never invents anything: package sim does, and a
// player here has a hand for each thing that sim can invent.
//
// The shop Harbour is played first, thirty days of it; then the pages answer. The year of the second project, Lighthouse, takes longer
// than anybody wants to wait, and an installation has one clock, which is real time by then. So the year is played in a fork: the
// installation is copied when it holds people and nothing else, a second App works on the copy with a moved clock of its own, and
// when the year is over the project comes home (app.Adopt): every row that the fork has more than it began with is copied beside the
// working server, the project's chain of facts whole and as it is. That is possible because nothing of a project's life is shared but
// the people, who are the same in both, and the numbers of objects, which are reserved for Lighthouse before Harbour takes any: the
// older project has the lower ones. People's roles in Lighthouse are given anew at the end, so that the installation's own journal
// says so.
//
// Two clocks in one process would have been the alternative: a time per project in every engine. It would have put a parameter of
// the demonstration into everything.
package demo

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/app/demo/sim"
	"github.com/mainstayhq/mainstay/core/notify"
)

//go:embed harbour.yaml
var harbour string

// Config says where the demonstration runs and what it plays.
type Config struct {
	Listen, StatusListen string
	Dir                  string // "" for a temporary folder, removed by Close
	Version              string
	Log                  *slog.Logger
	Progress             func(string)
	Seed                 uint64 // another seed is another world; 1 when 0
	Days                 int    // of Harbour's past; 30 when 0
	NoYear               bool   // only Harbour
	YearDays             int    // of Lighthouse's past; a year when 0
}

// Demo is a running demonstration.
type Demo struct {
	App             *app.App
	URL, StatusURL  string
	Email, Password string
	Progress        func(string)

	cfg     Config
	zone    *time.Location
	dir     string
	keep    bool
	hook    *http.Server
	hookAt  string
	project string     // Harbour's id
	keys    intakeKeys // Harbour's
	people  map[string]mainstay.Actor
	played  *player
	refused map[string]int
	year    *year
	home    chan struct{} // closed when the year has come home, or could not
	failed  error
	cancel  context.CancelFunc
	live    sync.WaitGroup
}

// email and password are those of the demonstration's administrator, who is on call.
const (
	email    = "ana@harbour.example"
	password = "harbour-demo"
)

var operator = mainstay.System("operator")

// New builds the world, plays Harbour's past and goes live. It returns when the pages answer; Lighthouse's year goes on by itself.
func New(ctx context.Context, cfg Config) (_ *Demo, err error) {
	d := &Demo{
		Email: email, Password: password, Progress: cfg.Progress, cfg: cfg, dir: cfg.Dir, keep: cfg.Dir != "",
		people: map[string]mainstay.Actor{}, home: make(chan struct{}),
	}
	if d.cfg.Seed == 0 {
		d.cfg.Seed = 1
	}
	if d.cfg.Days <= 0 {
		d.cfg.Days = 30
	}
	if d.cfg.YearDays <= 0 {
		d.cfg.YearDays = 365
	}
	if d.zone, err = time.LoadLocation("Europe/Berlin"); err != nil {
		return nil, err
	}
	if d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "mainstay-demo-"); err != nil {
			return nil, err
		}
	}
	ctx, d.cancel = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := free(cfg.Listen, cfg.StatusListen); err != nil { // better now than after the past
		return nil, err
	}
	if err := d.listenForChat(); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	if !cfg.NoYear {
		d.year = d.newYear(now, d.cfg.Seed)
	}
	if err := d.past(ctx, now); err != nil {
		return nil, err
	}
	return d, d.goLive(ctx)
}

// free reports an address that somebody else listens on.
func free(addresses ...string) error {
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			return mainstay.Errorf(mainstay.Unavailable, "cannot listen on %s: %v", a, err)
		}
		_ = l.Close()
	}
	return nil
}

// config is that of an App of the demonstration.
func (d *Demo) config(dir string, clock mainstay.Timekeeper) app.Config {
	return app.Config{
		Data: dir, SecretKeyFile: filepath.Join(d.dir, "secret.key"), Listen: d.cfg.Listen, StatusListen: d.cfg.StatusListen,
		Version: d.cfg.Version, Log: d.cfg.Log, Time: clock, MailFrom: "mainstay@harbour.example", Scratch: true,
		AllowTargets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Channels:     map[string]notify.Sender{"email": &outbox{dir: filepath.Join(d.dir, "outbox")}},
	}
}

// past plays Harbour's past on a moved clock, on an App that nobody can reach yet.
func (d *Demo) past(ctx context.Context, now time.Time) error {
	from := now.AddDate(0, 0, -d.cfg.Days)
	begin := from
	if d.year != nil {
		begin = d.year.from.Add(-2 * time.Hour)
	}
	clock := mainstay.NewMoved(begin)
	cfg := d.config(d.dir, clock)
	cfg.Channels["webhook"] = nobody{}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // what was played is committed
	return a.Work(ctx, func(ctx context.Context) error {
		if err := d.introduce(ctx, a); err != nil {
			return fmt.Errorf("introducing the people: %w", err)
		}
		if d.year != nil {
			if err := d.prepareYear(ctx, a, cfg); err != nil {
				return err
			}
		}
		clock.Set(from.Add(-time.Hour))
		d.Progress(fmt.Sprintf("playing %d days of the shop Harbour ...", d.cfg.Days))
		return d.playHarbour(ctx, a, clock, from, now)
	})
}

// introduce applies the people, who can sign in with one password.
func (d *Demo) introduce(ctx context.Context, a *app.App) error {
	if _, err := a.Apply(ctx, operator, []app.Source{{Name: "people.yaml", Text: peopleWith(d.hookAt) + teams}}, false, nil); err != nil {
		return err
	}
	for _, p := range everybody {
		is, err := a.People.ByName(ctx, p.name)
		if err != nil {
			return err
		}
		d.people[p.name] = mainstay.Person(is.ID)
		if err := a.Identity.SetPassword(ctx, operator, is.ID, password); err != nil {
			return err
		}
	}
	return nil
}

// prepareYear keeps what the year's fork begins with.
func (d *Demo) prepareYear(ctx context.Context, a *app.App, cfg app.Config) error {
	if err := a.Settle(ctx); err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := app.Backup(ctx, cfg, &b); err != nil {
		return err
	}
	d.year.backup = b.Bytes()
	for kind, n := range d.year.numbers() {
		if _, err := a.Reserve(ctx, kind, max(n, 1)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) playHarbour(ctx context.Context, a *app.App, clock *mainstay.Moved, from, now time.Time) error {
	next := now.Add(52 * time.Hour).Truncate(time.Hour)
	text := strings.NewReplacer(
		"{{rota}}", rota(now, d.zone, "ana", "samir"), "{{from}}", next.Format(time.RFC3339), "{{until}}", next.Add(30*time.Minute).Format(time.RFC3339),
	).Replace(harbour)
	_, err := a.Apply(ctx, operator, []app.Source{{Name: "harbour.yaml", Text: text + "\n" + peopleWith(d.hookAt, "harbour")}}, false, nil)
	if err != nil {
		return err
	}
	p, err := newPlayer(ctx, a, clock, "harbour", d.people)
	if err != nil {
		return err
	}
	d.project, d.keys = p.project, p.keys
	if err := p.play(ctx, sim.Plan(sim.Harbour(d.zone), d.cfg.Seed, from, now.Add(-20*time.Minute)), nil); err != nil {
		return err
	}
	d.refused = p.refused
	return p.runTo(ctx, now)
}

// goLive starts the App again, with the machine's clock and its pages.
func (d *Demo) goLive(ctx context.Context) (err error) {
	cfg := d.config(d.dir, mainstay.Clock{})
	cfg.Scratch = false
	cfg.BackupDir = filepath.Join(d.dir, "backups")
	if d.year != nil {
		cfg.Panels = append(cfg.Panels, d.year.panel())
	}
	if d.App, err = app.Open(ctx, cfg); err != nil {
		return err
	}
	if err := d.App.Start(ctx); err != nil {
		return err
	}
	d.URL, d.StatusURL = d.App.URL, d.App.Status
	if err := d.deliverOutward(ctx); err != nil {
		return err
	}
	d.live.Go(func() { d.liveFaults(ctx) })
	if d.year == nil {
		close(d.home)
		return nil
	}
	d.live.Go(func() {
		defer close(d.home)
		if d.failed = d.year.run(ctx); d.failed != nil && ctx.Err() == nil {
			d.year.set("failed: "+d.failed.Error(), d.year.to)
			d.Progress("the year of Lighthouse could not be played: " + d.failed.Error())
		}
		if _, err := d.App.Backups.Make(ctx, operator); err != nil && ctx.Err() == nil {
			d.Progress("no backup could be begun: " + err.Error())
		}
	})
	return nil
}

// Home waits until the year of the second project has come home.
func (d *Demo) Home(ctx context.Context) error {
	select {
	case <-d.home:
		return d.failed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Refused tells what the product refused of what was played, and how often: two people did the same thing, or it was over already.
func (d *Demo) Refused() map[string]int {
	all := maps.Clone(d.refused)
	if d.year != nil && d.played != nil {
		for why, n := range d.played.refused {
			all[why] += n
		}
	}
	return all
}

// Close ends the demonstration and removes its folder, unless it was to be kept.
func (d *Demo) Close() {
	d.cancel()
	d.live.Wait()
	if d.App != nil {
		stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = errors.Join(d.App.Stop(stop), d.App.Close())
	}
	if d.hook != nil {
		_ = d.hook.Close()
	}
	if !d.keep {
		_ = os.RemoveAll(d.dir)
	}
}

// listenForChat stands for the team's chat: a webhook receiver that takes everything.
func (d *Demo) listenForChat() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.hookAt = "http://" + l.Addr().String() + "/chat"
	d.hook = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})}
	go func() { _ = d.hook.Serve(l) }()
	return nil
}

// outbox keeps mail in a folder instead of sending it: the demonstration bothers nobody.
type outbox struct{ dir string }

// Send implements notify.Sender.
func (o *outbox) Send(_ context.Context, m notify.Message) (notify.Receipt, error) {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return notify.Receipt{}, err
	}
	text := fmt.Sprintf("To: %s\nSubject: %s\n\n%s\n", m.Address, m.Content.Subject, m.Content.Text)
	if err := os.WriteFile(filepath.Join(o.dir, m.ID+".txt"), []byte(text), 0o600); err != nil {
		return notify.Receipt{}, err
	}
	if m.Content.HTML != "" {
		if err := os.WriteFile(filepath.Join(o.dir, m.ID+".html"), []byte(m.Content.HTML), 0o600); err != nil {
			return notify.Receipt{}, err
		}
	}
	return notify.Receipt{Answer: "kept in the demo's outbox"}, nil
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
