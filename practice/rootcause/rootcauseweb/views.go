package rootcauseweb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// row is one analysis in a list.
type row struct {
	Key, URL, Title       string
	Incident, IncidentURL string
	Severity, Owner       string
	State                 ui.State
	Due                   time.Time
	Owed, Late            bool
}

type listView struct {
	List     ui.Listing
	Rows     []row
	Filtered bool
}

// form is what somebody typed into a form that could not be taken: its name, its values and what is wrong.
type form struct {
	Name   string
	Values map[string]string
	Faults map[string]string
}

// of is the value of a field when the form of that name failed, else the given one.
func (f form) of(name, field, otherwise string) string {
	if f.Name != name {
		return otherwise
	}
	return f.Values[field]
}

func (f form) fault(name, field string) string {
	if f.Name != name {
		return ""
	}
	return f.Faults[field]
}

func (f form) faults(name string) map[string]string {
	if f.Name != name {
		return nil
	}
	return f.Faults
}

// evidenceView is one piece of evidence.
type evidenceView struct {
	ID, Type, Text, Ref, URL, Digest string
	Against                          bool
	Remove                           string
}

// nodeView is one node, with what may be done with it.
type nodeView struct {
	ID, Number, Text, Kind, Category string
	State                            ui.State
	Confidence                       int
	Open                             bool // on the path, and not supported
	Short                            string
	Evidence                         []evidenceView
	Explained                        []linkView // what explains it
	URL                              string     // where its forms post to
	Status                           string
	Effect                           bool
}

// linkView is an edge as a sentence: "enabled by: no load test".
type linkView struct{ Text, From, To string }

// partView is one text.
type partView struct {
	Name, Title, HTML string
	Markdown          string
	Revision          int64
	By                string
	At                time.Time
	URL               string
	Stale             []document.Line // what somebody else changed meanwhile
}

// actionView is one corrective action.
type actionView struct {
	Key, URL, Title, Owner, Node, Proof string
	State                               ui.State
	Due                                 time.Time
	Over                                bool
}

// oneView is the page of one analysis.
type oneView struct {
	Key, URL, Title, Ref  string
	Heading               ui.Heading
	Incident, IncidentURL string
	IncidentRef           string
	Path, Beside          []nodeView
	Guess                 string
	Findings              []rootcause.Finding
	Parts                 []partView
	Actions               []actionView
	InPlace               int
	Timeline              []ui.Event
	Essence               []ui.Event // the timeline without how things were kept
	Owner, OwnerID        string
	Reviewed, ReviewedBy  string
	May                   bool // write, and it may be written now
	Send, Review          bool
	Publish, Reopen       bool
	MayWrite              bool
	Refused               string // why the viewer may not review
	Nodes                 []ui.Option
	People                []ui.Option
	Due                   time.Time
	DefaultDue            string
	Form                  form
	ArticleURL            string
	Panels                []web.Component // of other practices: exhibits, the article
}

func (p *Pages) row(ctx context.Context, rc rootcause.RootCause, now time.Time) row {
	name, url := p.cfg.Names.Subject(ctx, rc.IncidentRef())
	return row{
		Key: rc.Key(), URL: path(rc), Title: rc.Title, Incident: name, IncidentURL: url, Severity: string(rc.Severity),
		Owner: p.person(ctx, rc.Owner), State: state(rc, now), Due: rc.Due, Owed: rc.State.Owed(), Late: rc.Overdue(now),
	}
}

func (p *Pages) person(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	return p.cfg.Names.Actor(ctx, mainstay.Person(id))
}

// state is the state word of an analysis with its tone.
func state(rc rootcause.RootCause, now time.Time) ui.State {
	switch {
	case rc.State == rootcause.Published:
		return ui.Good("published")
	case rc.State == rootcause.Waiting:
		return ui.Muted("waiting: incident reopened").As("quiet")
	case rc.Overdue(now):
		return ui.Crit("overdue, " + rc.State.Words())
	case rc.State == rootcause.Open && !rc.Due.IsZero():
		return ui.Warn("due " + ui.Ago(now, rc.Due))
	}
	return ui.Info(rc.State.Words())
}

func (p *Pages) view(ctx context.Context, c *web.Ctx, rc rootcause.RootCause) (oneView, error) {
	v := oneView{
		Key: rc.Key(), URL: path(rc), Title: rc.Title, Ref: rc.Ref().String(), Owner: p.person(ctx, rc.Owner), OwnerID: rc.Owner,
		Due: rc.Due, Findings: rc.Graph.Lint(), ArticleURL: "/articles/draft",
		DefaultDue: rootcause.CorrectiveDue(rc.Severity, c.Now).In(c.Viewer.Location()).Format("2 January"),
	}
	inc, err := p.cfg.RootCauses.Incident(ctx, rc)
	if err != nil {
		return v, err
	}
	v.Incident, v.IncidentURL = p.cfg.Names.Subject(ctx, rc.IncidentRef())
	v.IncidentRef = rc.IncidentRef().String()
	v.Heading = ui.Heading{ID: rc.Key(), Badges: []string{string(rc.Severity)}, State: state(rc, c.Now), Title: rc.Title, Sub: subline(v, inc)}
	p.nodes(ctx, &v, rc)
	if err := p.texts(ctx, &v, rc); err != nil {
		return v, err
	}
	if err := p.corrections(ctx, &v, rc); err != nil {
		return v, err
	}
	facts, err := p.timeline(ctx, c.Viewer, rc)
	if err != nil {
		return v, err
	}
	notes, err := p.cfg.RootCauses.Written(ctx, facts)
	if err != nil {
		return v, err
	}
	for _, f := range facts {
		e := ui.Event{At: f.At, Recorded: f.Recorded, State: marks[f.Kind], Text: happened(p.cfg.Names.Actor(ctx, f.Actor), fact.Sentence(f))}
		if n, ok := notes[f.ID]; ok {
			e.Text = noted(p.cfg.Names.Actor(ctx, f.Actor), n.HTML)
		}
		v.Timeline = append(v.Timeline, e)
		if rootcause.Essential(f) {
			v.Essence = append(v.Essence, e)
		}
	}
	return v, p.acts(ctx, &v, c, rc)
}

// marks are the shapes of the lines that stand out.
var marks = map[string]ui.State{
	"alert.fired": ui.Crit("alert"), "alert.resolved": ui.Good("alert over"), "page.exhausted": ui.Crit("nobody answered"),
	"page.acknowledged": ui.Info("acknowledged"), "incident.declared": ui.Crit("declared"), "incident.resolved": ui.Good("resolved"),
	"incident.reopened": ui.Crit("reopened"), "incident.step_overdue": ui.Warn("late"), "post.published": ui.Good("users told"),
	"post.overdue": ui.Warn("late"), "notification.failed": ui.Warn("not delivered"),
}

// acts says what the viewer may do now.
func (p *Pages) acts(ctx context.Context, v *oneView, c *web.Ctx, rc rootcause.RootCause) error {
	v.MayWrite = c.May(access.RootCauseWrite)
	if !v.MayWrite {
		return nil
	}
	v.May = rc.State != rootcause.Published
	v.Send = rc.State == rootcause.Open
	v.Publish = rc.State == rootcause.Reviewed
	v.Reopen = rc.State == rootcause.Published
	if rc.State == rootcause.Review {
		if err := rc.MayReview(c.Actor()); err != nil {
			v.Refused = mainstay.ErrorMessage(err)
		} else {
			v.Review = true
		}
	}
	people, err := p.people(ctx)
	v.People = people
	return err
}

func (p *Pages) nodes(ctx context.Context, v *oneView, rc rootcause.RootCause) {
	g := &rc.Graph
	for i, n := range g.Path() {
		nv := p.node(ctx, v.URL, g, n)
		if nv.Number = fmt.Sprint(i); i == 0 {
			nv.Number = "!"
		}
		nv.Open = i > 0 && n.Status != rootcause.Supported
		v.Path = append(v.Path, nv)
		if missing := 2 - n.Independent(); nv.Open && missing > 0 && v.Guess == "" {
			v.Guess = fmt.Sprintf("Why %d is still a guess. It needs %s.", i, ui.Plural(missing, "more independent piece of evidence", "independent pieces of evidence"))
		}
	}
	for _, n := range g.Beside() {
		v.Beside = append(v.Beside, p.node(ctx, v.URL, g, n))
	}
	for _, n := range g.Nodes {
		v.Nodes = append(v.Nodes, ui.Option{Value: n.ID, Text: n.Text})
	}
}

func (p *Pages) node(ctx context.Context, url string, g *rootcause.Graph, n rootcause.Node) nodeView {
	nv := nodeView{
		ID: n.ID, Text: n.Text, Kind: string(n.Kind), Category: string(n.Category), Confidence: n.Confidence, Status: string(n.Status),
		URL: url + "/causes/" + n.ID, Effect: n.Kind == rootcause.Effect, State: support(n),
	}
	for _, e := range n.Evidence {
		ev := evidenceView{ID: e.ID, Type: e.Type, Text: e.Text, Ref: e.Ref, Against: e.Against, Remove: nv.URL + "/evidence/" + e.ID + "/remove"}
		ev.URL = p.address(ctx, e.Ref)
		if e.Digest != "" {
			ev.Digest = e.Digest[:min(12, len(e.Digest))]
		}
		nv.Evidence = append(nv.Evidence, ev)
	}
	for _, e := range g.Edges {
		if e.From == n.ID && e.Type != rootcause.Because {
			nv.Explained = append(nv.Explained, linkView{Text: string(e.Type) + " by: " + g.Node(e.To).Text, From: e.From, To: e.To})
		}
	}
	return nv
}

// address is where a reference leads: an object's page, a path of ours or an address outside; "" when nowhere.
func (p *Pages) address(ctx context.Context, ref string) string {
	switch {
	case strings.HasPrefix(ref, "https://"), strings.HasPrefix(ref, "http://"):
		return ref
	case strings.HasPrefix(ref, "/"):
		return web.Local(ref)
	}
	if r := mainstay.ParseRef(ref); !r.IsZero() {
		if r.Kind == mainstay.KindExhibit && mainstay.ValidID(r.ID) {
			return "/exhibits/" + r.ID
		}
		_, url := p.cfg.Names.Subject(ctx, r)
		return url
	}
	return ""
}

// support is how well a node stands.
func support(n rootcause.Node) ui.State {
	have := n.Independent()
	switch n.Status {
	case rootcause.Supported:
		return ui.Good(fmt.Sprintf("supported, %d", have))
	case rootcause.Refuted:
		return ui.Muted("refuted").As("na")
	}
	if have >= 2 {
		return ui.Info(fmt.Sprintf("%d pieces, not marked yet", have))
	}
	return ui.Warn(fmt.Sprintf("%s, %d short", ui.Plural(have, "piece", "pieces"), 2-have)).As("half")
}

func (p *Pages) texts(ctx context.Context, v *oneView, rc rootcause.RootCause) error {
	texts, err := p.cfg.RootCauses.Texts(ctx, rc)
	if err != nil {
		return err
	}
	for _, part := range rootcause.Parts() {
		r := texts[part]
		pv := partView{Name: string(part), Title: part.Title(), HTML: r.HTML, Markdown: r.Markdown, Revision: r.Revision, At: r.At, URL: v.URL + "/texts/" + string(part)}
		if r.Revision > 0 {
			pv.By = p.cfg.Names.Actor(ctx, r.Author)
		}
		v.Parts = append(v.Parts, pv)
	}
	return nil
}

func (p *Pages) corrections(ctx context.Context, v *oneView, rc rootcause.RootCause) error {
	list, err := p.cfg.RootCauses.Corrections(ctx, rc)
	if err != nil {
		return err
	}
	for _, a := range list {
		av := actionView{Key: a.Key(), URL: "/actions/" + a.Key(), Title: a.Title, Owner: p.person(ctx, a.Owner), Proof: a.Proof, Due: a.Due,
			State: proof(a.Action), Over: !a.State.Owed()}
		if n := rc.Graph.Node(a.Node); n != nil {
			av.Node = n.Text
		}
		if a.State == action.InPlace || a.State == action.Effective {
			v.InPlace++
		}
		v.Actions = append(v.Actions, av)
	}
	return nil
}

// proof is how far an action is from its proven effect.
func proof(a action.Action) ui.State {
	switch a.State {
	case action.Effective:
		return ui.Good("effective")
	case action.InPlace:
		return ui.Good("in place")
	case action.Done:
		return ui.Info("done, not proven")
	case action.Ineffective:
		return ui.Crit("ineffective")
	case action.Dropped:
		return ui.Muted("dropped").As("na")
	}
	return ui.Muted("to do").As("next")
}
