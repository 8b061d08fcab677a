// Package backupweb owns the pages and the API of backups. It never makes one.
package backupweb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/backup"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Names gives the names of actors.
type Names interface {
	Actor(ctx context.Context, who mainstay.Actor) string
}

// Config makes Pages.
type Config struct {
	Service *backup.Service
	Names   Names
	Key     string // file of the secret key, which no backup holds
	Data    string // folder of the installation, for the commands that restore
	URL     bool   // the database is PostgreSQL
}

// Pages are the routes.
type Pages struct {
	cfg Config
	rt  *web.Router
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Service == nil || cfg.Names == nil {
		return nil, errors.New("backupweb needs Service and Names")
	}
	return &Pages{cfg: cfg}, nil
}

// Routes adds them to the router. All are for administrators of the installation.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	page := func(method, pattern string, h func(*web.Ctx) error) {
		rt.Handle(web.Route{Method: method, Pattern: pattern, Permission: access.SettingManage}, h)
	}
	page("GET", "/admin/backups", p.list)
	page("POST", "/admin/backups", p.make)
	page("POST", "/admin/backups/cancel", p.cancel)
	page("GET", "/admin/backups/schedule", p.schedule)
	page("POST", "/admin/backups/schedule", p.saveSchedule)
	page("GET", "/admin/backups/{id}/file", p.download)
	page("POST", "/admin/backups/{id}/verify", p.verify)
	page("POST", "/admin/backups/{id}/remove", p.remove)
	p.api(rt)
}

type row struct {
	ID, Name  string
	Began     time.Time
	State     ui.State
	Size      string
	Facts     string
	By        string
	Note      string
	File      bool // it can be taken out
	Try       string
	Removable bool
}

type listView struct {
	Off        bool
	Rows       []row
	Health     backup.Health
	Now        backup.Progress
	Busy       bool
	What       string
	Of         int
	Dir        string
	Key        string
	Newest     string
	Commands   string
	Words      string
	Keep       string
	Configured bool
}

func (p *Pages) list(c *web.Ctx) error {
	v, err := p.view(c.Context())
	if err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Backups", Nav: "admin", Crumbs: crumbs()}, listPage(v))
}

func (p *Pages) view(ctx context.Context) (v listView, err error) {
	s := p.cfg.Service
	v = listView{Off: s.Dir() == "", Dir: s.Dir(), Key: p.cfg.Key}
	if v.Health, err = s.Health(ctx); err != nil {
		return v, err
	}
	v.Words, v.Keep = v.Health.Spec.Words(), v.Health.Spec.Keep.Words()
	copies, err := s.Copies(ctx)
	if err != nil {
		return v, err
	}
	v.Now, v.Busy = s.Now()
	v.Newest = "FILE"
	for _, x := range copies {
		if x.State == backup.Verified && v.Newest == "FILE" {
			v.Newest = s.Path(x)
		}
		if v.Busy && v.Now.Copy == x.ID {
			v.What, v.Of = progressWords(v.Now, x.Name), int(max(v.Now.Of, v.Now.Done))
		}
		v.Rows = append(v.Rows, p.row(ctx, x, v.Busy))
	}
	v.Rows = shorten(v.Rows)
	v.Commands = p.commands(v.Newest)
	return v, nil
}

// shorten leaves out what is long gone.
func shorten(rows []row) []row {
	kept := rows[:0]
	gone := 0
	for _, r := range rows {
		if !r.File {
			if gone++; gone > 20 {
				continue
			}
		}
		kept = append(kept, r)
	}
	return kept
}

func progressWords(p backup.Progress, name string) string {
	if p.State == backup.Verifying {
		return "Restoring " + name + " to try it"
	}
	return "Writing " + name
}

func (p *Pages) row(ctx context.Context, c backup.Copy, busy bool) row {
	r := row{ID: c.ID, Name: c.Name, Began: c.Began, State: state(c.State), Note: c.Error, By: "on schedule"}
	switch c.Cause {
	case backup.CausePerson:
		r.By = p.cfg.Names.Actor(ctx, c.By)
	case backup.CauseFound:
		r.By = "found in the folder"
	}
	if c.Size > 0 {
		r.Size = bytes(c.Size)
	}
	if c.Facts > 0 {
		r.Facts = fmt.Sprint(c.Facts)
	}
	if c.Missing > 0 && r.Note == "" {
		r.Note = ui.Plural(int(c.Missing), "file was missing", "files were missing") + " in the installation already, and so in the backup."
	}
	r.File = c.State == backup.Verified || c.State == backup.Unverified || c.State == backup.Verifying
	if !busy && (c.State == backup.Verified || c.State == backup.Unverified || c.State == backup.Failed && !c.Made.IsZero()) {
		r.Try = "Try"
		if c.State == backup.Verified {
			r.Try = "Try again"
		}
		r.Removable = c.State != backup.Failed
	}
	return r
}

func state(s backup.State) ui.State {
	switch s {
	case backup.Verified:
		return ui.Good("verified")
	case backup.Failed:
		return ui.Crit("failed")
	case backup.Unverified:
		return ui.Warn("not tried yet")
	case backup.Gone:
		return ui.Muted("gone").As("na")
	}
	return ui.Info(string(s))
}

// bytes is a size as people say it.
func bytes(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	case n < 10_000_000_000:
		return fmt.Sprintf("%d MB", n/1_000_000)
	}
	return fmt.Sprintf("%d GB", n/1_000_000_000)
}

func (p *Pages) commands(file string) string {
	flags := " --data " + p.cfg.Data
	if p.cfg.URL {
		flags += " --database-url URL --secret-key-file " + p.cfg.Key
	}
	return "mainstay restore " + file + flags + "\nmainstay serve" + flags
}

func crumbs(more ...web.Crumb) []web.Crumb {
	if len(more) == 0 {
		return []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Backups"}}
	}
	return append([]web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Backups", URL: "/admin/backups"}}, more...)
}

const home = "/admin/backups"

func (p *Pages) make(c *web.Ctx) error {
	if _, err := p.cfg.Service.Make(c.Context(), c.Actor()); err != nil {
		return err
	}
	return c.See(home)
}

func (p *Pages) cancel(c *web.Ctx) error {
	p.cfg.Service.Cancel()
	c.Say("Cancelled. Nothing half is kept.")
	return c.See(home)
}

func (p *Pages) verify(c *web.Ctx) error {
	if _, err := p.cfg.Service.Verify(c.Context(), c.Actor(), c.Path("id")); err != nil {
		return err
	}
	return c.See(home)
}

func (p *Pages) remove(c *web.Ctx) error {
	if err := p.cfg.Service.Remove(c.Context(), c.Actor(), c.Path("id")); err != nil {
		return err
	}
	c.Say("Removed the backup.")
	return c.See(home)
}

// download sends the file, and notes who took it.
func (p *Pages) download(c *web.Ctx) error {
	x, err := p.cfg.Service.Copy(c.Context(), c.Path("id"))
	if err != nil {
		return err
	}
	f, err := os.Open(p.cfg.Service.Path(x))
	if err != nil {
		return mainstay.Errorf(mainstay.NotFound, "The file of this backup is not in the folder any more.")
	}
	defer f.Close() //nolint:errcheck // read only
	if c.R.Method == http.MethodGet && c.R.Header.Get("Range") == "" {
		if err := p.cfg.Service.Downloaded(c.Context(), c.Actor(), x); err != nil {
			return err
		}
	}
	control := http.NewResponseController(c.W)
	_ = control.SetWriteDeadline(time.Time{}) // it may be large, and the way slow
	_ = control.SetReadDeadline(time.Time{})
	c.W.Header().Set("Content-Type", "application/zstd")
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.Header().Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(x.Name, `"`, "")+`"`)
	http.ServeContent(c.W, c.R, "", x.Made, f)
	return nil
}

type scheduleView struct {
	Spec   backup.Spec
	How    string // "at" or "every"
	Days   map[string]bool
	Faults map[string]string
	Dir    string
}

var weekdays = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

func (p *Pages) scheduleOf(spec backup.Spec, faults map[string]string) scheduleView {
	v := scheduleView{Spec: spec.Filled(), How: "at", Days: map[string]bool{}, Faults: faults, Dir: p.cfg.Service.Dir()}
	if spec.Every != "" {
		v.How = "every"
	}
	for _, d := range weekdays {
		v.Days[d] = len(spec.Days) == 0
	}
	for _, d := range spec.Days {
		if len(d) >= 3 {
			v.Days[strings.ToUpper(d[:1])+strings.ToLower(d[1:3])] = true
		}
	}
	return v
}

func (p *Pages) schedule(c *web.Ctx) error {
	spec, err := p.cfg.Service.Spec(c.Context())
	if err != nil {
		return err
	}
	return c.Render(schedulePageOf(0), schedulePage(p.scheduleOf(spec, nil)))
}

func schedulePageOf(status int) web.Page {
	return web.Page{Title: "Schedule of backups", Nav: "admin", Status: status, Crumbs: crumbs(web.Crumb{Text: "Schedule"})}
}

func (p *Pages) saveSchedule(c *web.Ctx) error {
	spec := backup.Spec{Off: !c.Checked("on"), Zone: c.Form("zone"), Policy: c.Form("policy")}
	if c.Form("how") == "every" {
		spec.Every = c.Form("every")
	} else {
		spec.At = c.Form("at")
	}
	if days := c.FormAll("days"); len(days) < len(weekdays) {
		spec.Days = days
	}
	faults := mainstay.Faults{}
	for name, into := range map[string]*int{"daily": &spec.Keep.Daily, "weekly": &spec.Keep.Weekly, "monthly": &spec.Keep.Monthly} {
		text := c.Form(name)
		n, err := strconv.Atoi(text)
		if text != "" && err != nil {
			faults.Add("keep."+name, "%q is no number", text)
		}
		*into = n
	}
	err := faults.Err()
	if err == nil {
		_, err = p.cfg.Service.Define(c.Context(), c.Actor(), "", "default", spec)
	}
	if fields := mainstay.ErrorFields(err); fields != nil {
		return c.Render(schedulePageOf(http.StatusUnprocessableEntity), schedulePage(p.scheduleOf(spec, fields)))
	}
	if err != nil {
		return err
	}
	c.Say("Saved the schedule.")
	return c.See(home)
}
