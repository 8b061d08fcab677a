package rootcauseweb

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
)

// View is an analysis as the API shows it. Persons, projects and incidents are ids.
type View struct {
	ID          string            `json:"id"`
	Number      string            `json:"number" doc:"such as RCA-12"`
	Project     string            `json:"project"`
	Incident    string            `json:"incident"`
	Title       string            `json:"title"`
	Severity    string            `json:"severity"`
	State       string            `json:"state" enum:"open,in_review,reviewed,published,waiting"`
	Owner       string            `json:"owner"`
	Due         *time.Time        `json:"due,omitempty"`
	Overdue     bool              `json:"overdue"`
	OpenedAt    time.Time         `json:"openedAt"`
	ReviewedBy  mainstay.Actor    `json:"reviewedBy,omitzero"`
	PublishedAt *time.Time        `json:"publishedAt,omitempty"`
	Graph       rootcause.Graph   `json:"graph" doc:"nodes and edges; an edge leads from what is explained to what explains it"`
	Path        []string          `json:"path" doc:"ids of the nodes of the five whys, the effect first"`
	Findings    []Finding         `json:"findings"`
	Texts       map[string]string `json:"texts,omitempty" doc:"Markdown by part; only when one is read"`
	Actions     []string          `json:"actions" doc:"ids of the corrective actions"`
	Timeline    []Event           `json:"timeline,omitempty" doc:"what happened, by the time of happening; only when one is read"`
	Version     int64             `json:"version"`
}

// Event is a fact of the timeline, shaped as /facts has it.
type Event struct {
	ID       string          `json:"id"`
	Sequence int64           `json:"sequence"`
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at" doc:"when it happened"`
	Recorded time.Time       `json:"recorded" doc:"when it was written down"`
	Actor    mainstay.Actor  `json:"actor"`
	Subjects []string        `json:"subjects" doc:"kind:id"`
	Sentence string          `json:"sentence" doc:"what happened, after the actor's name"`
	Payload  json.RawMessage `json:"payload" doc:"null once erased"`
}

func event(f fact.Fact) Event {
	e := Event{
		ID: f.ID, Sequence: f.Sequence, Kind: f.Kind, At: f.At, Recorded: f.Recorded, Actor: f.Actor, Subjects: []string{},
		Sentence: fact.Sentence(f), Payload: f.Payload,
	}
	for _, s := range f.Subjects {
		e.Subjects = append(e.Subjects, s.String())
	}
	if len(e.Payload) == 0 {
		e.Payload = json.RawMessage("null")
	}
	return e
}

// Finding is something that the analysis still lacks.
type Finding struct {
	Node   string `json:"node,omitempty"`
	Text   string `json:"text"`
	Blocks bool   `json:"blocks" doc:"must be gone before the review"`
}

func view(rc rootcause.RootCause, now time.Time) View {
	v := View{
		ID: rc.ID, Number: rc.Key(), Project: rc.Project, Incident: rc.Incident, Title: rc.Title, Severity: string(rc.Severity),
		State: string(rc.State), Owner: rc.Owner, Due: moment(rc.Due), Overdue: rc.Overdue(now), OpenedAt: rc.OpenedAt,
		ReviewedBy: rc.ReviewedBy, PublishedAt: moment(rc.PublishedAt), Graph: rc.Graph, Path: []string{}, Findings: []Finding{},
		Actions: []string{}, Version: rc.Version,
	}
	for _, n := range rc.Graph.Path() {
		v.Path = append(v.Path, n.ID)
	}
	for _, f := range rc.Graph.Lint() {
		v.Findings = append(v.Findings, Finding(f))
	}
	for _, c := range rc.Corrective {
		v.Actions = append(v.Actions, c.Action)
	}
	return v
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ListInput selects analyses.
type ListInput struct {
	web.Query
	State string `query:"state" enum:"open,in_review,reviewed,published,waiting" doc:"only those in this state"`
}

// One names an analysis by id or number.
type One struct {
	ID string `path:"id" doc:"id or number"`
}

func (p *Pages) api(rt *web.Router) {
	web.API(rt, web.Route{Method: "GET", Pattern: "/rootcauses", Permission: access.RootCauseRead},
		web.Doc{Summary: "List root cause analyses, newest first", Tag: "rootcauses"}, p.apiList)
	web.API(rt, web.Route{Method: "GET", Pattern: "/rootcauses/{id}", Permission: access.RootCauseRead, Kind: mainstay.KindRootCause},
		web.Doc{Summary: "Read one analysis with its graph, texts and timeline", Tag: "rootcauses"}, p.apiOne)
	web.API(rt, web.Route{Method: "POST", Pattern: "/incidents/{id}/rootcause", Permission: access.RootCauseWrite, Kind: mainstay.KindIncident},
		web.Doc{Summary: "Open the analysis of an incident, or return the one that is there", Tag: "rootcauses"}, p.apiOpen)
	p.apiWrites(rt)
}

func (p *Pages) apiList(ctx context.Context, in *ListInput) (*web.Out[web.List[View]], error) {
	q := visible(web.ViewerFrom(ctx), rootcause.Query{Limit: in.Limit + 1})
	if in.State != "" {
		q.States = []rootcause.State{rootcause.State(in.State)}
	}
	if in.Project != "" {
		id, err := p.cfg.Projects(ctx, in.Project)
		if err != nil {
			return nil, err
		}
		if q.Projects != nil && !slices.Contains(q.Projects, id) {
			id = ""
		}
		q.Projects = []string{id}
	}
	if in.Cursor != "" {
		n, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil || n <= 0 {
			return nil, mainstay.Errorf(mainstay.Invalid, "The cursor %q is not one of ours.", in.Cursor)
		}
		q.Before = n
	}
	list, err := p.cfg.RootCauses.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &web.Out[web.List[View]]{Body: web.List[View]{Items: []View{}}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.Next = strconv.FormatInt(list[in.Limit-1].Number, 10)
	}
	for _, rc := range list {
		out.Body.Items = append(out.Body.Items, view(rc, p.cfg.Time.Now()))
	}
	return out, nil
}

func (p *Pages) apiOne(ctx context.Context, _ *One) (*web.Out[View], error) {
	return p.read(ctx, web.RefFrom(ctx).ID)
}

func (p *Pages) read(ctx context.Context, id string) (*web.Out[View], error) {
	rc, err := p.cfg.RootCauses.One(ctx, id)
	if err != nil {
		return nil, err
	}
	v := view(rc, p.cfg.Time.Now())
	texts, err := p.cfg.RootCauses.Texts(ctx, rc)
	if err != nil {
		return nil, err
	}
	v.Texts = map[string]string{}
	for part, r := range texts {
		v.Texts[string(part)] = r.Markdown
	}
	facts, err := p.timeline(ctx, web.ViewerFrom(ctx), rc)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		v.Timeline = append(v.Timeline, event(f))
	}
	return &web.Out[View]{ETag: web.ETag(rc.Version), Body: v}, nil
}

func (p *Pages) apiOpen(ctx context.Context, _ *One) (*web.Out[View], error) {
	rc, err := p.cfg.RootCauses.Open(ctx, web.ViewerFrom(ctx).Actor, web.RefFrom(ctx).ID)
	if err != nil {
		return nil, err
	}
	return p.read(ctx, rc.ID)
}
