package webhookweb

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/webhook"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

type row struct {
	ID, URL, Name, Where, Host, Wants string
	State                             ui.State
	LastOK                            time.Time
	Waiting                           int64
	Private                           bool
}

type listView struct{ Rows []row }

type replayRow struct {
	ID, Where string
	Left      int64
	At        time.Time
}

type attemptRow struct {
	webhook.Attempt
	State                              ui.State
	Kind, Where, About, AboutURL, Said string
	Status                             string
}

// took is the time until the answer, in words.
func (a attemptRow) took() string { return fmt.Sprintf("%d ms", a.Took.Milliseconds()) }

// sequences are the places of the events in the journal.
func (a attemptRow) sequences() string {
	switch {
	case a.First == 0:
		return "–"
	case a.First == a.Last:
		return strconv.FormatInt(a.First, 10)
	}
	return fmt.Sprintf("%d–%d", a.First, a.Last)
}

// again replays what the attempt carried.
func (a attemptRow) again() ui.PostButton {
	return ui.PostButton{URL: "/webhooks/" + a.Endpoint + "/replay", Label: "Send again", Kind: "quiet", Small: true, Hidden: []ui.Pair{
		{Name: "project", Value: a.Project}, {Name: "from", Value: strconv.FormatInt(a.First, 10)}, {Name: "to", Value: strconv.FormatInt(a.Last, 10)},
	}}
}

type showView struct {
	E                               webhook.Endpoint
	URL, Where, Wants               string
	State                           ui.State
	Waiting                         int64
	Secrets                         []webhook.Secret
	Tested                          *webhook.Attempt
	May                             bool // change it
	Replays                         []replayRow
	Log                             []attemptRow
	Tabs                            []ui.Tab
	Older                           string
	Projects                        []ui.Option
	Faults                          map[string]string
	Since, Until, From, To, Project string
	Now                             time.Time
}

func (v showView) mode() string {
	switch {
	case v.E.Spec.Batch > 0:
		return fmt.Sprintf("structured, up to %d events in a request", v.E.Spec.Batch)
	case v.E.Spec.Mode == webhook.Binary:
		return "binary: attributes in headers, data as the body"
	}
	return "structured, one event in a request"
}

func (v showView) days() string {
	n := v.E.Spec.DisableDays
	if n == 0 {
		n = 3
	}
	return ui.Plural(n, "day", "days") + " of nothing but failures"
}

// form is what a person types about an endpoint.
type form struct {
	Action, Save, Title string
	New, Administrator  bool
	Name, Project, URL  string
	Description         string
	Kinds, Subjects     string // one a line
	Labels              string // name=value, one a line
	Shape               string // structured, batch or binary
	Batch, Days         string
	Private, Paused     bool
	Projects            []ui.Option
	Faults              map[string]string
}

func formOf(e webhook.Endpoint) form {
	s := e.Spec
	f := form{
		Name: e.Name, Project: e.Project, URL: s.URL, Description: s.Description, Kinds: strings.Join(s.Kinds, "\n"), Subjects: strings.Join(s.Subjects, "\n"),
		Shape: string(webhook.Structured), Batch: "100", Private: s.Private, Paused: e.State == webhook.Paused,
	}
	if s.Mode == webhook.Binary {
		f.Shape = string(webhook.Binary)
	}
	if s.Batch > 0 {
		f.Shape, f.Batch = "batch", strconv.Itoa(s.Batch)
	}
	if s.DisableDays > 0 {
		f.Days = strconv.Itoa(s.DisableDays)
	}
	var labels []string
	for k, v := range s.Labels {
		labels = append(labels, k+"="+v)
	}
	slices.Sort(labels)
	f.Labels = strings.Join(labels, "\n")
	return f
}

// read takes what was typed, and makes a definition of it.
func read(c *web.Ctx) (form, webhook.Spec, error) {
	f := form{
		Name: c.Form("name"), Project: c.Form("project"), URL: c.Form("url"), Description: c.Form("description"), Kinds: c.Form("kinds"),
		Subjects: c.Form("subjects"), Labels: c.Form("labels"), Shape: c.Form("shape"), Batch: c.Form("batch"), Days: c.Form("days"),
		Private: c.Checked("private"), Paused: c.Checked("paused"),
	}
	var faults mainstay.Faults
	s := webhook.Spec{
		URL: f.URL, Description: f.Description, Kinds: lines(f.Kinds), Subjects: lines(f.Subjects), Private: f.Private, Paused: f.Paused,
	}
	for _, l := range lines(f.Labels) {
		k, v, ok := strings.Cut(l, "=")
		if !ok {
			faults.Add("labels", "write name=value")
			continue
		}
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	var err error
	switch f.Shape {
	case "batch":
		if s.Batch, err = strconv.Atoi(f.Batch); err != nil || s.Batch < 1 {
			faults.Add("batch", "1 to %d events", webhook.MaxBatch)
		}
	default:
		s.Mode = webhook.Mode(f.Shape)
	}
	if f.Days != "" {
		if s.DisableDays, err = strconv.Atoi(f.Days); err != nil || s.DisableDays < 1 {
			faults.Add("disableAfterDays", "1 to %d days", webhook.MaxDays)
		}
	}
	return f, s, faults.Err()
}

func lines(text string) []string {
	var l []string
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }) {
		if line = strings.TrimSpace(line); line != "" {
			l = append(l, line)
		}
	}
	return l
}

func sortOptions(l []ui.Option) {
	sort.Slice(l, func(i, j int) bool { return l[i].Text < l[j].Text })
}

// projects are those in which the viewer may make an endpoint.
func (p *Pages) projects(c *web.Ctx) ([]ui.Option, error) {
	list, err := p.cfg.Projects.Projects(c.Context())
	var l []ui.Option
	for _, x := range list {
		if c.Viewer.May(access.ProjectManage, x.ID) {
			l = append(l, ui.Option{Value: x.ID, Text: x.Title()})
		}
	}
	if writer(c.Viewer).Administrator {
		l = append(l, ui.Option{Value: mainstay.Installation, Text: "the whole installation: every project, and what belongs to none"})
	}
	return l, err
}

func (p *Pages) create(c *web.Ctx) error {
	return p.showNew(c, form{Shape: string(webhook.Structured), Batch: "100", Project: c.Query("project")}, 0)
}

func (p *Pages) showNew(c *web.Ctx, f form, status int) (err error) {
	if f.Projects, err = p.projects(c); err != nil {
		return err
	}
	f.Action, f.Save, f.Title, f.New, f.Administrator = "/webhooks", "Add the webhook", "New webhook", true, writer(c.Viewer).Administrator
	return c.Render(pageOf("New webhook", status), formPage(f))
}

func (p *Pages) add(c *web.Ctx) error {
	f, spec, err := read(c)
	if err == nil && f.Project == "" {
		err = mainstay.Faults{"project": "say which"}.Err()
	}
	if err == nil && f.Project != mainstay.Installation && !c.Viewer.May(access.ProjectManage, f.Project) {
		err = mainstay.Faults{"project": "there is no such project, or you do not manage it"}.Err()
	}
	if err == nil {
		err = p.free(c, f)
	}
	var e webhook.Endpoint
	if err == nil {
		e, _, err = p.cfg.Service.Put(c.Context(), writer(c.Viewer), f.Project, f.Name, spec)
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.showNew(c, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	c.Say("The webhook is there. It gets what happens from now on. Send it a test, and give its secret to the receiver.")
	return c.See("/webhooks/" + e.ID)
}

// free says that the name is taken: whoever fills the form for a new one does not mean to change another.
func (p *Pages) free(c *web.Ctx, f form) error {
	list, err := p.cfg.Service.Endpoints(c.Context(), []string{f.Project})
	if err == nil && slices.ContainsFunc(list, func(e webhook.Endpoint) bool { return e.Name == f.Name }) {
		err = mainstay.Faults{"name": "there is one of this name already"}.Err()
	}
	return err
}

func (p *Pages) edit(c *web.Ctx) error {
	e, err := p.cfg.Service.Endpoint(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	return p.showEdit(c, e, formOf(e), 0)
}

func (p *Pages) showEdit(c *web.Ctx, e webhook.Endpoint, f form, status int) error {
	f.Action, f.Save, f.Title, f.Name, f.Administrator = "/webhooks/"+e.ID, "Save", "Webhook "+e.Name, e.Name, writer(c.Viewer).Administrator
	page := pageOf("Edit", status)
	page.Crumbs = append(page.Crumbs[:2:2], web.Crumb{Text: e.Name, URL: "/webhooks/" + e.ID}, web.Crumb{Text: "Edit"})
	return c.Render(page, formPage(f))
}

func (p *Pages) change(c *web.Ctx) error {
	e, err := p.cfg.Service.Endpoint(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	f, spec, err := read(c)
	if err == nil {
		_, _, err = p.cfg.Service.Put(c.Context(), writer(c.Viewer), e.Project, e.Name, spec)
	}
	if f.Faults = mainstay.ErrorFields(err); f.Faults != nil {
		return p.showEdit(c, e, f, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	c.Say("Saved.")
	return c.See("/webhooks/" + e.ID)
}
