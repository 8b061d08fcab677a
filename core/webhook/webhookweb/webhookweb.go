// Package webhookweb owns the pages and the API of endpoints outside: what each one gets, how delivery goes, the log, replays, and
// the catalog of the kinds of facts. It never sends anything but a test that somebody asks for.
package webhookweb

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Projects answers which projects there are; project.Registry does.
type Projects interface {
	Projects(ctx context.Context) ([]project.Project, error)
	ProjectID(ctx context.Context, key string) (string, error)
}

// Names gives the names of objects.
type Names interface {
	// Subject is a short name and the path of the object's page; both may be empty.
	Subject(ctx context.Context, r mainstay.Ref) (name, url string)
}

// Config is what the pages need; all is required.
type Config struct {
	Service  *webhook.Service
	Projects Projects
	Names    Names
	Time     mainstay.Timekeeper
	// Waiting is how many facts lie before an endpoint; webhook.Engine.Waiting.
	Waiting func(id string) int64
	// External is the server's own URL, for the ids of schemas.
	External func() string
}

// Pages are the routes.
type Pages struct {
	cfg Config
	rt  *web.Router
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Service == nil || cfg.Projects == nil || cfg.Names == nil || cfg.Time == nil || cfg.Waiting == nil || cfg.External == nil {
		return nil, errors.New("webhookweb needs Service, Projects, Names, Time, Waiting and External")
	}
	return &Pages{cfg: cfg}, nil
}

// Routes adds them to the router.
func (p *Pages) Routes(rt *web.Router) {
	p.rt = rt
	page := func(method, pattern string, h func(*web.Ctx) error) {
		r := web.Route{Method: method, Pattern: pattern, Permission: access.ProjectManage}
		if strings.HasPrefix(pattern, "/webhooks/{id}") {
			r.Kind = mainstay.KindWebhook
		}
		rt.Handle(r, h)
	}
	page("GET", "/admin/webhooks", p.list)
	page("GET", "/webhooks/new", p.create)
	page("GET", "/webhooks/events", p.catalog)
	page("POST", "/webhooks", p.add)
	page("GET", "/webhooks/{id}", p.show)
	page("GET", "/webhooks/{id}/edit", p.edit)
	page("POST", "/webhooks/{id}", p.change)
	page("POST", "/webhooks/{id}/secret", p.secret)
	page("POST", "/webhooks/{id}/test", p.test)
	page("POST", "/webhooks/{id}/rotate", p.rotate)
	page("POST", "/webhooks/{id}/pause", p.pause)
	page("POST", "/webhooks/{id}/resume", p.resume)
	page("POST", "/webhooks/{id}/replay", p.replay)
	page("POST", "/webhooks/{id}/cancel", p.cancel)
	page("POST", "/webhooks/{id}/delete", p.remove)
	p.api(rt)
}

// writer is the viewer as one who changes endpoints.
func writer(v access.Viewer) webhook.Writer {
	return webhook.Writer{Actor: v.Actor, Administrator: v.May(access.SettingManage, "")}
}

// within are the projects whose endpoints the viewer manages, nil for all.
func within(v access.Viewer) []string {
	all, ids := v.Projects(access.ProjectManage)
	if all {
		return nil
	}
	return append([]string{}, ids...)
}

var crumbs = []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Webhooks", URL: "/admin/webhooks"}}

func pageOf(title string, status int) web.Page {
	if title == "" {
		return web.Page{Title: "Webhooks", Nav: "admin", Crumbs: []web.Crumb{crumbs[0], {Text: "Webhooks"}}}
	}
	return web.Page{Title: title, Nav: "admin", Status: status, Crumbs: append(append([]web.Crumb{}, crumbs...), web.Crumb{Text: title})}
}

// state is an endpoint's state as a word with a shape.
func state(e webhook.Endpoint) ui.State {
	switch {
	case e.State == webhook.Disabled:
		return ui.Crit("disabled")
	case e.State == webhook.Paused:
		return ui.Muted("paused").As("quiet")
	case e.Health.Failures > 0:
		return ui.Warn("failing")
	case e.Health.LastOK.IsZero():
		return ui.Muted("nothing sent yet").As("na")
	}
	return ui.Good("delivering")
}

// wants says in words what an endpoint gets.
func wants(s webhook.Spec) string {
	text := "every fact"
	if len(s.Kinds) > 0 {
		text = strings.Join(s.Kinds, ", ")
	}
	if len(s.Subjects) > 0 {
		text += " about " + strings.Join(s.Subjects, ", ")
	}
	for k, v := range s.Labels {
		text += " with " + k + "=" + v
	}
	return text
}

// host is what everybody may see of a URL: its path is often a secret.
func host(raw string) string {
	_, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return ""
	}
	h, _, _ := strings.Cut(rest, "/")
	return h
}

func (p *Pages) titles(ctx context.Context) (map[string]string, error) {
	list, err := p.cfg.Projects.Projects(ctx)
	m := map[string]string{mainstay.Installation: "the whole installation"}
	for _, x := range list {
		m[x.ID] = x.Title()
	}
	return m, err
}

func (p *Pages) list(c *web.Ctx) error {
	list, err := p.cfg.Service.Endpoints(c.Context(), within(c.Viewer))
	if err != nil {
		return err
	}
	titles, err := p.titles(c.Context())
	if err != nil {
		return err
	}
	v := listView{}
	for _, e := range list {
		v.Rows = append(v.Rows, row{
			URL: "/webhooks/" + e.ID, Name: e.Name, Where: titles[e.Project], Host: host(e.Spec.URL), Wants: wants(e.Spec), State: state(e),
			LastOK: e.Health.LastOK, Waiting: p.cfg.Waiting(e.ID), Private: e.Spec.Private, ID: e.ID,
		})
	}
	return c.Render(pageOf("", 0), listPage(v))
}

const logRows = 50

func (p *Pages) show(c *web.Ctx) error { return p.render(c, 0, nil, nil, nil) }

// render shows one endpoint; secrets only when somebody asked for them.
func (p *Pages) render(c *web.Ctx, status int, secrets []webhook.Secret, tested *webhook.Attempt, faults map[string]string) error {
	ctx := c.Context()
	e, err := p.cfg.Service.Endpoint(ctx, c.Ref.ID)
	if err != nil {
		return err
	}
	titles, err := p.titles(ctx)
	if err != nil {
		return err
	}
	v := showView{
		E: e, URL: "/webhooks/" + e.ID, Where: titles[e.Project], State: state(e), Wants: wants(e.Spec), Waiting: p.cfg.Waiting(e.ID), Secrets: secrets,
		Tested: tested, Faults: faults, Now: c.Now,
		May: writer(c.Viewer).Administrator || e.Project != mainstay.Installation && !e.Spec.Private,
	}
	if faults != nil {
		v.Since, v.Until, v.From, v.To, v.Project = c.Form("since"), c.Form("until"), c.Form("from"), c.Form("to"), c.Form("project")
	}
	if e.Project == mainstay.Installation {
		v.Projects = append([]ui.Option{{Value: "", Text: "all projects"}}, options(titles)...)
	}
	_, replays, err := p.cfg.Service.Running(ctx, e.ID)
	if err != nil {
		return err
	}
	for _, r := range replays {
		v.Replays = append(v.Replays, replayRow{ID: r.Replay, Where: titles[r.Project], Left: r.Until - r.Sequence, At: r.Created})
	}
	q := webhook.Query{Endpoint: e.ID, Result: webhook.Result(c.Query("result")), Before: c.Query("before"), Message: c.Query("message"), Limit: logRows + 1}
	list, err := p.cfg.Service.Attempts(ctx, q)
	if err != nil {
		return err
	}
	if len(list) > logRows {
		list = list[:logRows]
		v.Older = v.URL + "?result=" + string(q.Result) + "&before=" + list[logRows-1].ID
	}
	for _, a := range list {
		v.Log = append(v.Log, p.attempt(ctx, a, titles))
	}
	v.Tabs = []ui.Tab{{Text: "All", URL: v.URL, Here: q.Result == ""}}
	for _, r := range webhook.Results() {
		v.Tabs = append(v.Tabs, ui.Tab{Text: strings.ToUpper(string(r[:1])) + string(r[1:]), URL: v.URL + "?result=" + string(r), Here: q.Result == r})
	}
	page := pageOf("Webhook "+e.Name, status)
	page.Live = []mainstay.Ref{c.Ref}
	return c.Render(page, showPage(v))
}

func options(titles map[string]string) []ui.Option {
	var l []ui.Option
	for id, t := range titles {
		l = append(l, ui.Option{Value: id, Text: t})
	}
	sortOptions(l)
	return l
}

func (p *Pages) attempt(ctx context.Context, a webhook.Attempt, titles map[string]string) attemptRow {
	r := attemptRow{Attempt: a, State: result(a), Kind: a.Kind, Where: titles[a.Project], Said: a.Answer}
	if a.Subject.Kind != mainstay.KindWebhook {
		r.About, r.AboutURL = p.cfg.Names.Subject(ctx, a.Subject)
	}
	if a.Error != "" {
		r.Said = a.Error
		if a.Answer != "" {
			r.Said += ": " + a.Answer
		}
	}
	if a.Events > 1 {
		r.Kind += " and " + ui.Plural(a.Events-1, "more", "more")
	}
	if a.Status > 0 {
		r.Status = strconv.Itoa(a.Status)
	}
	return r
}

func result(a webhook.Attempt) ui.State {
	switch a.Result {
	case webhook.Delivered:
		return ui.Good("delivered")
	case webhook.Retrying:
		return ui.Warn("tried again")
	case webhook.Refused:
		return ui.Crit("set aside")
	}
	return ui.Crit("failed")
}

func (p *Pages) secret(c *web.Ctx) error {
	secrets, err := p.cfg.Service.Secrets(c.Context(), writer(c.Viewer), c.Ref.ID)
	if err != nil {
		return err
	}
	return p.render(c, 0, secrets, nil, nil)
}

func (p *Pages) test(c *web.Ctx) error {
	a, err := p.cfg.Service.Test(c.Context(), writer(c.Viewer), c.Ref.ID)
	if err != nil {
		return err
	}
	return p.render(c, 0, nil, &a, nil)
}

func (p *Pages) rotate(c *web.Ctx) error {
	if err := p.cfg.Service.Rotate(c.Context(), writer(c.Viewer), c.Ref.ID); err != nil {
		return err
	}
	return p.secret(c)
}

func (p *Pages) pause(c *web.Ctx) error {
	if err := p.cfg.Service.Pause(c.Context(), writer(c.Viewer), c.Ref.ID); err != nil {
		return err
	}
	c.Say("Paused. Facts are kept for it until you resume.")
	return c.See("/webhooks/" + c.Ref.ID)
}

func (p *Pages) resume(c *web.Ctx) error {
	skip := c.Form("skip") != ""
	if err := p.cfg.Service.Resume(c.Context(), writer(c.Viewer), c.Ref.ID, skip); err != nil {
		return err
	}
	if skip {
		c.Say("It goes on with what happens from now on.")
	} else {
		c.Say("It goes on where it stopped.")
	}
	return c.See("/webhooks/" + c.Ref.ID)
}

// replay replays a range: the form's, or the one of a line of the log.
func (p *Pages) replay(c *web.Ctx) error {
	var faults mainstay.Faults
	number := func(name string) int64 {
		text := c.Form(name)
		if text == "" {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n <= 0 {
			faults.Add(name, "a number of the journal, from 1 on")
		}
		return n
	}
	at := func(name string) time.Time {
		text := c.Form(name)
		if text == "" {
			return time.Time{}
		}
		t, err := time.ParseInLocation("2006-01-02T15:04", text, c.Viewer.Location())
		if err != nil {
			faults.Add(name, "a day and a time, such as 2026-03-17T03:00")
		}
		return t
	}
	r := webhook.Range{Project: c.Form("project"), From: number("from"), To: number("to"), Since: at("since"), Until: at("until")}
	var n int64
	err := faults.Err()
	if err == nil {
		n, err = p.cfg.Service.Replay(c.Context(), writer(c.Viewer), c.Ref.ID, r)
	}
	if f := mainstay.ErrorFields(err); f != nil {
		return p.render(c, http.StatusUnprocessableEntity, nil, nil, f)
	}
	if err != nil {
		return err
	}
	c.Say("%s looked at once more; those that the filter lets through are sent.", ui.Plural(int(n), "fact is", "facts are"))
	return c.See("/webhooks/" + c.Ref.ID)
}

func (p *Pages) cancel(c *web.Ctx) error {
	err := p.cfg.Service.CancelReplay(c.Context(), writer(c.Viewer), c.Ref.ID, c.Form("replay"))
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return err
	}
	c.Say("The replay is over.")
	return c.See("/webhooks/" + c.Ref.ID)
}

func (p *Pages) remove(c *web.Ctx) error {
	e, err := p.cfg.Service.Endpoint(c.Context(), c.Ref.ID)
	if err == nil && c.Form("sure") != e.Name {
		return p.render(c, http.StatusUnprocessableEntity, nil, nil, map[string]string{"sure": "type its name, " + e.Name})
	}
	if err == nil {
		err = p.cfg.Service.Delete(c.Context(), writer(c.Viewer), c.Ref.ID)
	}
	if err != nil {
		return err
	}
	c.Say("The webhook %s is gone, and its log with it.", e.Name)
	return c.See("/admin/webhooks")
}

func (p *Pages) catalog(c *web.Ctx) error {
	list, err := webhook.Catalog(p.cfg.External())
	if err != nil {
		return err
	}
	return c.Render(pageOf("Events", 0), catalogPage(list))
}
