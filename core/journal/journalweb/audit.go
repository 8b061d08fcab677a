package journalweb

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Audits is what the audit reads and writes: of its exports it leaves a fact.
type Audits interface {
	journal.Auditor
	// Heads knows every chain.
	Heads(ctx context.Context) (map[string]int64, error)
}

// Finder finds what people type: persons by name or address, objects by number or "kind:name".
type Finder interface {
	PersonID(ctx context.Context, who string) (string, error)
	Object(ctx context.Context, what string) (mainstay.Ref, error)
}

// auditRoutes adds the audit. Without Audits there is none.
func (p *Pages) auditRoutes(rt *web.Router) {
	if p.cfg.Audits == nil {
		return
	}
	rt.Handle(web.Route{Method: "GET", Pattern: "/admin/audit", Permission: access.JournalRead}, p.audit)
	rt.Handle(web.Route{Method: "GET", Pattern: "/admin/audit/export", Permission: access.JournalRead}, p.exportPage)
	web.API(rt, web.Route{Method: "GET", Pattern: "/audit", Permission: access.JournalRead},
		web.Doc{
			Summary: "What happened in all projects, newest first",
			Description: "Filtered by person (what they did, and what was about them), project, kind, object and time. " +
				"/api/v1/audit/export takes the same filters and format=csv or jsonl, and answers with all of it.", Tag: "facts",
		}, p.auditAPI)
	rt.Raw(web.Route{Method: "GET", Pattern: "/api/v1/audit/export", Permission: access.JournalRead}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.exportAPI(rt, w, r) }))
}

// asked are the filters as they were typed.
type asked struct {
	Person, Project, Kind, Object, Since, Until, By string
}

func askedOf(q url.Values) asked {
	return asked{q.Get("person"), q.Get("project"), q.Get("kind"), q.Get("object"), q.Get("since"), q.Get("until"), q.Get("by")}
}

// values are the filters as an address holds them.
func (a asked) values() url.Values {
	v := url.Values{}
	for k, x := range map[string]string{
		"person": a.Person, "project": a.Project, "kind": a.Kind, "object": a.Object, "since": a.Since, "until": a.Until, "by": a.By,
	} {
		if x != "" {
			v.Set(k, x)
		}
	}
	return v
}

// words say the filters, for the fact of an export. They name no person.
func (a asked) words(q journal.AuditQuery) string {
	var list []string
	add := func(name, value string) {
		if value != "" {
			list = append(list, name+" "+value)
		}
	}
	add("person", q.Person)
	add("project", a.Project)
	add("kind", a.Kind)
	add("object", q.Subject.String())
	add("since", a.Since)
	add("until", a.Until)
	add("by", a.By)
	return strings.Join(list, ", ")
}

// query turns the filters into a query that holds what the viewer may read. Faults bear the names of the filters.
func (p *Pages) query(ctx context.Context, v access.Viewer, a asked) (q journal.AuditQuery, err error) {
	var f mainstay.Faults
	if q.Projects, err = p.chains(ctx, v, a.Project); mainstay.Is(err, mainstay.NotFound) {
		f.Add("project", "There is no project %q that you may read the journal of.", a.Project)
	} else if err != nil {
		return q, err
	}
	if a.Person != "" {
		if q.Person, err = p.cfg.Finder.PersonID(ctx, a.Person); mainstay.Is(err, mainstay.NotFound) {
			f.Add("person", "There is no person %q.", a.Person)
		} else if err != nil {
			return q, err
		}
	}
	if a.Object != "" {
		if q.Subject, err = p.cfg.Finder.Object(ctx, a.Object); mainstay.Is(err, mainstay.NotFound) || mainstay.Is(err, mainstay.Invalid) || mainstay.Is(err, mainstay.Conflict) {
			f.Add("object", "%s", mainstay.ErrorMessage(err))
		} else if err != nil {
			return q, err
		}
	}
	if a.Kind != "" {
		if q.Kinds = kindsOf(a.Kind); len(q.Kinds) == 0 {
			f.Add("kind", "There is no kind of fact %q.", a.Kind)
		}
	}
	if q.By = a.By; a.By != "" && a.By != "people" && a.By != "system" {
		f.Add("by", "Use people or system.")
	}
	q.Since, q.Until = moment(a.Since, false, v.Location(), "since", &f), moment(a.Until, true, v.Location(), "until", &f)
	return q, f.Err()
}

// kindsOf are the kinds that a filter means: one of them, or all that begin with a word, such as "identity".
func kindsOf(word string) []string {
	word = strings.TrimSuffix(strings.TrimSpace(strings.ToLower(word)), ".*")
	if slices.Contains(fact.Kinds(), word) {
		return []string{word}
	}
	if slices.ContainsFunc(fact.Kinds(), func(k string) bool { return strings.HasPrefix(k, word+".") }) {
		return []string{word + "."}
	}
	return nil
}

// moment reads a day, whose end an "until" means, or an RFC 3339 time.
func moment(s string, end bool, loc *time.Location, field string, f *mainstay.Faults) time.Time {
	if s == "" {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, s, loc); err == nil {
			if end && form == "2006-01-02" {
				t = t.AddDate(0, 0, 1)
			}
			return t
		}
	}
	f.Add(field, "%q is neither a day such as 2026-03-01 nor a time such as 2026-03-01T09:00.", s)
	return time.Time{}
}

// chains are the projects that are read: the one that was asked for, or all that the viewer may.
func (p *Pages) chains(ctx context.Context, v access.Viewer, key string) ([]string, error) {
	if key != "" {
		id, err := p.project(ctx, v, key)
		return []string{id}, err
	}
	heads, err := p.cfg.Audits.Heads(ctx)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for id := range heads {
		if v.May(access.JournalRead, id) {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list, nil
}

// change is what a fact says was before, and what is after.
type change struct{ What, Before, After string }

// changes finds pairs of before and after in a payload: from and to, before and after, oldX and newX.
func changes(f fact.Fact) []change {
	var fields map[string]any
	if strings.HasSuffix(f.Kind, "linked") || json.Unmarshal(f.Payload, &fields) != nil { // a link leads from one thing to another
		return nil
	}
	var list []change
	for _, k := range slices.Sorted(mapKeys(fields)) {
		for _, pair := range [][2]string{{"from", "to"}, {"before", "after"}, {"old", "new"}} {
			what, is := strings.CutPrefix(k, pair[0])
			other, has := fields[pair[1]+what]
			if !is || !has || what != "" && !(what[0] >= 'A' && what[0] <= 'Z') {
				continue
			}
			list = append(list, change{strings.ToLower(what), scalar(fields[k]), scalar(other)})
		}
	}
	return list
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func scalar(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// about is one object that a fact is about.
type about struct{ Name, URL string }

// auditRow is one fact for people.
type auditRow struct {
	Fact    Fact
	Who     string
	Mine    string // address of the audit of whoever did it; "" for Mainstay itself
	About   []about
	Project string
	Changes []change
	Payload string // indented; "" when it says nothing more
}

// namer looks names up once; it forgets when it has become large.
type namer struct {
	names    Names
	actors   map[mainstay.Actor]string
	subjects map[mainstay.Ref]about
}

func newNamer(n Names) *namer {
	return &namer{n, map[mainstay.Actor]string{}, map[mainstay.Ref]about{}}
}

const mostNames = 5000

func (n *namer) actor(ctx context.Context, a mainstay.Actor) string {
	if s, known := n.actors[a]; known {
		return s
	}
	if len(n.actors) > mostNames {
		clear(n.actors)
	}
	n.actors[a] = n.names.Actor(ctx, a)
	return n.actors[a]
}

func (n *namer) subject(ctx context.Context, r mainstay.Ref) about {
	if x, known := n.subjects[r]; known {
		return x
	}
	if len(n.subjects) > mostNames {
		clear(n.subjects)
	}
	name, at := n.names.Subject(ctx, r)
	if name == "" || mainstay.ValidID(name) { // it has neither a name nor a number
		name = string(r.Kind)
	}
	n.subjects[r] = about{name, at}
	return n.subjects[r]
}

func (n *namer) project(ctx context.Context, id string) string {
	if id == mainstay.Installation {
		return "installation"
	}
	return n.subject(ctx, mainstay.Ref{Kind: mainstay.KindProject, ID: id}).Name
}

func (n *namer) row(ctx context.Context, f fact.Fact) auditRow {
	r := auditRow{Fact: view(f), Who: n.actor(ctx, f.Actor), Project: n.project(ctx, f.Project), Changes: changes(f)}
	for _, s := range f.Subjects[:min(len(f.Subjects), 3)] {
		r.About = append(r.About, n.subject(ctx, s))
	}
	// A role is given somewhere: the fact names the project by id.
	var in struct{ Project string }
	if strings.HasPrefix(f.Kind, "access.") && json.Unmarshal(f.Payload, &in) == nil {
		if in.Project == "" {
			r.Fact.Sentence += " in all projects"
		} else {
			r.Fact.Sentence += " in " + n.project(ctx, in.Project)
		}
	}
	return r
}

// auditView is a page of the audit.
type auditView struct {
	Asked  asked
	Faults map[string]string
	Rows   []auditRow
	Older  string
	Back   time.Time // how far it looked without filling the page
	CSV    string
	Lines  string
	Kinds  []string
	Bys    []ui.Option
	Any    bool // some filter is set
}

// pageOf is how many facts a page shows.
const pageOf = 50

func (p *Pages) audit(c *web.Ctx) error {
	v := auditView{Asked: askedOf(c.R.URL.Query()), Kinds: fact.Kinds(), Bys: []ui.Option{
		{Value: "", Text: "anybody"}, {Value: "people", Text: "people and tokens"}, {Value: "system", Text: "Mainstay itself"},
	}}
	first := len(c.R.URL.Query()) == 0
	if first { // what people did is what one looks for
		v.Asked.By = "people"
	}
	v.Any = len(v.Asked.values()) > 0
	show := func(status int) error {
		return c.Render(web.Page{
			Title: "Audit", Nav: "admin", Status: status, Crumbs: []web.Crumb{{Text: "Admin", URL: "/admin"}, {Text: "Audit"}},
		}, auditPage(v))
	}
	q, err := p.query(c.Context(), c.Viewer, v.Asked)
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return show(422)
	}
	if err != nil {
		return err
	}
	q.Limit, q.Cursor = pageOf, c.Query("cursor")
	page, err := p.cfg.Audits.Audit(c.Context(), q)
	if err != nil {
		return err
	}
	shown, err := p.readable(c.Context(), c.Viewer, page.Facts)
	if err != nil {
		return err
	}
	names := newNamer(p.names)
	for _, f := range shown {
		r := names.row(c.Context(), f)
		if f.Actor.Kind == mainstay.ActorPerson {
			r.Mine = "/admin/audit?" + url.Values{"person": {f.Actor.ID}}.Encode()
		}
		r.Payload = indented(f.Payload)
		v.Rows = append(v.Rows, r)
	}
	values := v.Asked.values()
	if page.Next != "" {
		older := v.Asked.values()
		older.Set("cursor", page.Next)
		v.Older, v.Back = "/admin/audit?"+older.Encode(), page.Back
	}
	values.Set("format", "csv")
	v.CSV = "/admin/audit/export?" + values.Encode()
	values.Set("format", "jsonl")
	v.Lines = "/admin/audit/export?" + values.Encode()
	return show(200)
}

func indented(payload json.RawMessage) string {
	if s := string(payload); s == "null" || s == "{}" || s == "" {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, payload, "", "  ") != nil {
		return ""
	}
	return b.String()
}

// Entry is a fact of the audit as the API shows it.
type Entry struct {
	Fact
	Who     string   `json:"who" doc:"The name of whoever did it"`
	About   []string `json:"about" doc:"Names of what it was about"`
	Changes []Change `json:"changes,omitempty" doc:"Before and after, where the fact has them"`
}

// Change is what was before, and what is after.
type Change struct {
	What   string `json:"what,omitempty"`
	Before string `json:"before"`
	After  string `json:"after"`
}

func (r auditRow) entry() Entry {
	e := Entry{Fact: r.Fact, Who: r.Who, About: []string{}}
	for _, a := range r.About {
		e.About = append(e.About, a.Name)
	}
	for _, c := range r.Changes {
		e.Changes = append(e.Changes, Change(c))
	}
	return e
}

type auditInput struct {
	web.Query
	Person string `query:"person" maxLength:"254" doc:"Id, name or address: what they did, and what was about them"`
	Kind   string `query:"kind" maxLength:"100" doc:"Such as page.acknowledged, or identity for all that begin so"`
	Object string `query:"object" maxLength:"200" doc:"Such as INC-42, service:checkout or person:0197…"`
	Since  string `query:"since" maxLength:"40" doc:"A day or an RFC 3339 time"`
	Until  string `query:"until" maxLength:"40" doc:"A day, which is included, or an RFC 3339 time, which is not"`
	By     string `query:"by" enum:"people,system" doc:"Only what people and tokens did, or only what Mainstay did by itself"`
}

func (p *Pages) auditAPI(ctx context.Context, in *auditInput) (*web.Out[web.List[Entry]], error) {
	v := web.ViewerFrom(ctx)
	q, err := p.query(ctx, v, asked{in.Person, in.Project, in.Kind, in.Object, in.Since, in.Until, in.By})
	if err != nil {
		return nil, err
	}
	q.Limit, q.Cursor = in.Limit, in.Cursor
	page, err := p.cfg.Audits.Audit(ctx, q)
	if err != nil {
		return nil, err
	}
	shown, err := p.readable(ctx, v, page.Facts)
	if err != nil {
		return nil, err
	}
	out := web.List[Entry]{Items: []Entry{}, Next: page.Next}
	names := newNamer(p.names)
	for _, f := range shown {
		out.Items = append(out.Items, names.row(ctx, f).entry())
	}
	return &web.Out[web.List[Entry]]{Body: out}, nil
}

// sheet writes facts in one format, one after the other.
type sheet interface {
	write(r auditRow) error
	flush() error
}

type csvSheet struct{ w *csv.Writer }

var csvHead = []string{"recorded", "happened", "project", "sequence", "kind", "who", "actor", "what", "about", "subjects", "before", "after", "payload"}

func (s csvSheet) write(r auditRow) error {
	var names, before, after []string
	for _, a := range r.About {
		names = append(names, a.Name)
	}
	for _, c := range r.Changes {
		before, after = append(before, strings.TrimSpace(c.What+" "+c.Before)), append(after, strings.TrimSpace(c.What+" "+c.After))
	}
	row := []string{
		r.Fact.Recorded.UTC().Format(time.RFC3339Nano), r.Fact.At.UTC().Format(time.RFC3339Nano), r.Project, strconv.FormatInt(r.Fact.Sequence, 10),
		r.Fact.Kind, r.Who, r.Fact.Actor.String(), r.Fact.Sentence, strings.Join(names, "; "), strings.Join(r.Fact.Subjects, " "),
		strings.Join(before, "; "), strings.Join(after, "; "), string(r.Fact.Payload),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return s.w.Write(row)
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (s csvSheet) flush() error { s.w.Flush(); return s.w.Error() }

type linesSheet struct{ e *json.Encoder }

func (s linesSheet) write(r auditRow) error { return s.e.Encode(r.entry()) }
func (linesSheet) flush() error             { return nil }

// export streams what the filters select, newest first, a page at a time: it needs no more memory for a year than for a day. That it was
// taken out is a fact itself.
func (p *Pages) export(ctx context.Context, w http.ResponseWriter, v access.Viewer, a asked, format string, now time.Time) (begun bool, err error) {
	if format != "csv" && format != "jsonl" {
		return false, mainstay.Faults{"format": "Use csv or jsonl."}.Err()
	}
	q, err := p.query(ctx, v, a)
	if err != nil {
		return false, err
	}
	if p.cfg.Note == nil {
		return false, errors.New("journalweb: there is no way to note an export")
	}
	if err := p.cfg.Note(ctx, fact.JournalExported{Format: format, Filter: a.words(q)}, v.Actor); err != nil {
		return false, err
	}
	h := w.Header()
	h.Set("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl; charset=utf-8"}[format])
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="mainstay-audit-%s.%s"`, now.UTC().Format("2006-01-02"), format))
	h.Set("Cache-Control", "no-store")
	return true, p.stream(ctx, w, v, q, format)
}

func (p *Pages) stream(ctx context.Context, w http.ResponseWriter, v access.Viewer, q journal.AuditQuery, format string) error {
	var out sheet = linesSheet{json.NewEncoder(w)}
	if format == "csv" {
		s := csvSheet{csv.NewWriter(w)}
		if err := s.w.Write(csvHead); err != nil {
			return err
		}
		out = s
	}
	names, control := newNamer(p.names), http.NewResponseController(w)
	q.Limit = 500
	for {
		page, err := p.cfg.Audits.Audit(ctx, q)
		if err != nil {
			return err
		}
		shown, err := p.readable(ctx, v, page.Facts)
		if err != nil {
			return err
		}
		for _, f := range shown {
			if err := out.write(names.row(ctx, f)); err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		// A long export outlives the server's deadline for answers; where there is none, that is no fault.
		_ = control.SetWriteDeadline(time.Time{})
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}

func (p *Pages) exportPage(c *web.Ctx) error {
	begun, err := p.export(c.Context(), c.W, c.Viewer, askedOf(c.R.URL.Query()), c.Query("format"), c.Now)
	if err != nil && begun {
		panic(http.ErrAbortHandler) // nobody shall take half of it for the whole
	}
	return err
}

func (p *Pages) exportAPI(rt *web.Router, w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	q := r.URL.Query()
	begun, err := p.export(ctx, w, web.ViewerFrom(ctx), askedOf(q), q.Get("format"), p.cfg.Time.Now())
	switch {
	case err == nil:
	case begun:
		panic(http.ErrAbortHandler)
	default:
		rt.WriteProblem(w, r, err)
	}
}
