package rootcause_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcausedb"
)

// incidents answers what app answers from the incident practice.
type incidents map[string]rootcause.Incident

func (m incidents) Incident(_ context.Context, id string) (rootcause.Incident, error) {
	inc, ok := m[id]
	if !ok {
		return inc, mainstay.Errorf(mainstay.NotFound, "no incident")
	}
	return inc, nil
}

type world struct {
	*rootcause.Service
	env     *mainstaytest.Env
	actions *action.Service
	inc     incidents
	engines *mainstaytest.Engines
}

var (
	ana, ben = mainstay.Person("ana"), mainstay.Person("ben")
	// friday is 13:20 in Madrid.
	friday = time.Date(2026, 3, 13, 12, 20, 0, 0, time.UTC)
)

func madrid(t testing.TB) *time.Location {
	t.Helper()
	zone, err := calendar.Zone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func setup(t *testing.T, f func(t *testing.T, w world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		e.Clock.Set(friday)
		store := actiondb.New(e.DB, e.Saver, e.Objects)
		e.Saver.Extend(e.KeepNotices, store.SaveActions)
		actions, err := action.New(action.Config{Store: store, Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		texts, err := document.New(document.Config{Store: documentdb.New(e.DB), Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		zone := madrid(t)
		inc := incidents{
			"i1": {ID: "i1", Number: 38, Project: "shop", Title: "Confirmation mails come late", Severity: mainstay.Sev2, Commander: "ana",
				StartedAt: friday.Add(-3 * time.Hour), ResolvedAt: friday, Related: []mainstay.Ref{{Kind: mainstay.KindPage, ID: "pg1"}}},
			"i2": {ID: "i2", Number: 39, Project: "shop", Title: "Checkout down", Severity: mainstay.Sev1, ResolvedAt: friday},
			"i3": {ID: "i3", Number: 40, Project: "shop", Title: "A typo", Severity: mainstay.Sev3, ResolvedAt: friday},
		}
		s, err := rootcause.New(rootcause.Config{
			Store: rootcausedb.New(e.DB, e.Saver, e.Objects), Incidents: inc, Texts: texts, Actions: actions, Journal: e.Journal, Time: e.Clock,
			Hours: func(context.Context, string) (calendar.Hours, error) { return rootcause.OfficeHours(zone), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		f(t, world{s, e, actions, inc, e.Engines(t, s.Subscribers(), actions.Timers())})
	}, actiondb.Migrations(), documentdb.Migrations(), rootcausedb.Migrations())
}

func (w world) say(t *testing.T, p fact.Payload, subjects ...mainstay.Ref) fact.Fact {
	t.Helper()
	f := fact.New(w.env.Clock.Now(), "shop", ana, p, subjects...)
	w.env.Commit(t, commit.Set{Facts: []fact.Fact{f}})
	w.engines.Settle(t)
	return f
}

func incident(id string) mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindIncident, ID: id} }

func (w world) resolve(t *testing.T, id string) fact.Fact {
	t.Helper()
	inc := w.inc[id]
	return w.say(t, fact.IncidentResolved{Number: inc.Number, Title: inc.Title, Severity: string(inc.Severity), ResolvedAt: inc.ResolvedAt}, incident(id))
}

func (w world) of(t *testing.T, id string) rootcause.RootCause {
	t.Helper()
	rc, err := w.OfIncident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return rc
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A sev-2 is resolved on a Friday; its analysis is due on the Friday after, a sev-1's on Monday, and a sev-3 asks for none. The
// fact comes twice and opens one.
func TestAnAnalysisOpens(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		f := w.resolve(t, "i1")
		w.resolve(t, "i2")
		w.resolve(t, "i3")
		rc := w.of(t, "i1")
		if want := time.Date(2026, 3, 20, 13, 20, 0, 0, madrid(t)); !rc.Due.Equal(want) || rc.Key() != "RCA-1" || rc.Owner != "ana" || rc.State != rootcause.Open {
			t.Errorf("due %v, want %v: %+v", rc.Due, want, rc)
		}
		if due := w.of(t, "i2").Due; !due.Equal(friday.AddDate(0, 0, 3)) {
			t.Errorf("a sev-1 is due %v", due)
		}
		if _, err := w.OfIncident(t.Context(), "i3"); !mainstay.Is(err, mainstay.NotFound) {
			t.Errorf("a sev-3: %v", err)
		}
		ok(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{f}))
		w.resolve(t, "i1")
		if n := len(w.env.Facts(t, "shop", "rootcause.opened")); n != 2 {
			t.Errorf("%d analyses opened", n)
		}
		actions, err := w.actions.Of(t.Context(), rc.Ref())
		if err != nil || len(actions) != 1 || actions[0].Owner != "ana" || !actions[0].Due.Equal(rc.Due) || !strings.Contains(actions[0].Title, "INC-38") {
			t.Errorf("%+v: %v", actions, err)
		}
		o, err := w.env.Objects.Find(t.Context(), mainstay.KindRootCause, "RCA-1", "")
		if err != nil || o.Ref.ID != rc.ID || o.State != "open" {
			t.Errorf("%+v: %v", o, err)
		}
		if rc, err := w.Open(t.Context(), ben, "i3"); err != nil || rc.OpenedBy != ben || rc.Due.IsZero() {
			t.Errorf("by hand: %+v, %v", rc, err)
		}
	})
}

// Ana writes and asks for a review; she may not review herself, Ben may, and publishing settles what she owed.
func TestWritingReviewingPublishing(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		ctx := t.Context()
		w.resolve(t, "i1")
		rc := w.of(t, "i1")
		cause, err := w.AddCause(ctx, ana, rc.ID, rootcause.CauseDraft{Text: "The mail queue stopped draining", Category: rootcause.Technology, Explains: "n1"})
		ok(t, err)
		human, err := w.AddCause(ctx, ana, rc.ID, rootcause.CauseDraft{Text: "The operator forgot the limit", Category: rootcause.People, Explains: cause})
		ok(t, err)
		if err := w.Send(ctx, ana, rc.ID); !mainstay.Is(err, mainstay.Invalid) || !strings.Contains(err.Error(), "summary") {
			t.Errorf("without a summary: %v", err)
		}
		ok(t, w.Write(ctx, ana, rc.ID, rootcause.Summary, "Mails came late because retries filled the pool.", 0))
		if err := w.Send(ctx, ana, rc.ID); !mainstay.Is(err, mainstay.Invalid) || !strings.Contains(err.Error(), "ends at a person") {
			t.Errorf("with a human error at the end: %v", err)
		}
		_, err = w.AddCause(ctx, ana, rc.ID, rootcause.CauseDraft{Text: "Nothing asks for a load test when a limit changes", Category: rootcause.Process, Explains: human})
		ok(t, err)
		w.evidence(t, rc.ID, cause)
		made, err := w.AddAction(ctx, ana, rc.ID, rootcause.ActionDraft{Title: "Load test for changed limits", Owner: "ben", Node: human})
		ok(t, err)
		ok(t, w.Send(ctx, ana, rc.ID))
		if err := w.Review(ctx, ana, rc.ID, true); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("the author reviewed: %v", err)
		}
		if err := w.Publish(ctx, ana, rc.ID); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("published unreviewed: %v", err)
		}
		ok(t, w.Review(ctx, ben, rc.ID, true))
		w.engines.Advance(t, 8*24*time.Hour)
		ok(t, w.Publish(ctx, ana, rc.ID))
		published := w.env.Facts(t, "shop", "rootcause.published")
		if p, _ := fact.As[fact.RootCausePublished](published[0]); !p.Late || len(published) != 1 {
			t.Errorf("%+v", published)
		}
		actions, err := w.actions.Of(ctx, rc.Ref())
		ok(t, err)
		for _, a := range actions {
			if a.ID == made && (a.Kind != "corrective" || a.State != action.Proposed || !a.Due.Equal(friday.AddDate(0, 0, 30))) {
				t.Errorf("the corrective action: %+v", a)
			}
			if a.ID == rc.Action && a.State != action.Done {
				t.Errorf("what Ana owed is %s", a.State)
			}
		}
		if err := w.Write(ctx, ana, rc.ID, rootcause.Summary, "x", 1); !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("a published analysis was changed: %v", err)
		}
	})
}

// evidence supports a node step by step: one piece is too little, and the same piece twice too.
func (w world) evidence(t *testing.T, id, node string) {
	t.Helper()
	ctx := t.Context()
	supported := func() error {
		return w.ChangeCause(ctx, ana, id, node, rootcause.CauseChange{Status: rootcause.Supported, Confidence: 90})
	}
	for range 2 {
		ok(t, w.AddEvidence(ctx, ana, id, node, rootcause.Evidence{Type: "metric", Text: "Queue depth 09:10–12:30", Ref: "exhibit:e1"}))
		if err := supported(); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("supported by one source: %v", err)
		}
	}
	ok(t, w.AddEvidence(ctx, ana, id, node, rootcause.Evidence{Type: "log", Text: "0 sends in the worker's log"}))
	ok(t, supported())
	rc, err := w.One(ctx, id)
	ok(t, err)
	log := rc.Graph.Node(node).Evidence[2].ID
	ok(t, w.RemoveEvidence(ctx, ana, id, node, log))
	if rc, err = w.One(ctx, id); err != nil || rc.Graph.Node(node).Status != rootcause.Hypothesis {
		t.Errorf("still %s with one source: %v", rc.Graph.Node(node).Status, err)
	}
}

// An incident that was not over: its analysis waits, and goes on with a new date when it is resolved again.
func TestAReopenedIncident(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		w.resolve(t, "i1")
		first := w.of(t, "i1")
		w.engines.Advance(t, time.Hour)
		reopened := w.say(t, fact.IncidentReopened{Number: 38}, incident("i1"))
		if rc := w.of(t, "i1"); rc.State != rootcause.Waiting {
			t.Fatalf("it is %s", rc.State)
		}
		if a, err := w.actions.Action(t.Context(), first.Action); err != nil || a.State != action.Dropped {
			t.Errorf("%+v: %v", a, err)
		}
		w.engines.Advance(t, 72*time.Hour) // Monday
		inc := w.inc["i1"]
		inc.ResolvedAt = w.env.Clock.Now()
		w.inc["i1"] = inc
		w.resolve(t, "i1")
		again := w.of(t, "i1")
		if again.ID != first.ID || again.State != rootcause.Open || !again.Due.Equal(inc.ResolvedAt.AddDate(0, 0, 7)) || again.Action == first.Action {
			t.Errorf("%+v", again)
		}
		ok(t, w.Subscribers()[0].Handle(t.Context(), []fact.Fact{reopened}))
		if rc := w.of(t, "i1"); rc.State != rootcause.Open {
			t.Errorf("an old fact made it %s", rc.State)
		}
	})
}

// The timeline and the report are read, not copied.
func TestTimelineAndReport(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		ctx := t.Context()
		page := mainstay.Ref{Kind: mainstay.KindPage, ID: "pg1"}
		w.say(t, fact.PageOpened{Number: 7, Title: "Queue age"}, page, incident("i1"))
		w.engines.Advance(t, time.Minute)
		w.say(t, fact.PageAcknowledged{}, page)
		w.engines.Advance(t, time.Minute)
		w.resolve(t, "i1")
		rc := w.of(t, "i1")
		ok(t, w.Write(ctx, ana, rc.ID, rootcause.Summary, "Mails came *late*.", 0))
		_, err := w.AddCause(ctx, ana, rc.ID, rootcause.CauseDraft{Text: "The <b>queue</b> stopped", Category: rootcause.Technology, Explains: "n1"})
		ok(t, err)
		timeline, err := w.Timeline(ctx, w.of(t, "i1"))
		ok(t, err)
		var kinds []string
		for _, f := range timeline {
			kinds = append(kinds, f.Kind)
		}
		if got := strings.Join(kinds, " "); got != "page.opened page.acknowledged incident.resolved" {
			t.Errorf("%s: %s", w.env.Engine, got)
		}
		texts, err := w.Texts(ctx, w.of(t, "i1"))
		ok(t, err)
		inc, err := w.Incident(ctx, rc)
		ok(t, err)
		md := rootcause.Report{RootCause: w.of(t, "i1"), Incident: inc, Texts: texts, Timeline: timeline, Zone: madrid(t),
			Name: func(a mainstay.Actor) string { return strings.ToUpper(a.ID) }}.Markdown()
		for _, want := range []string{"# RCA-1: Why: Confirmation mails come late", "## Summary\n\nMails came *late*.",
			`2. The \<b\>queue\</b\> stopped`, "- 13 Mar 2026 13:20 CET: ANA ", "due 20 Mar 2026 13:20 CET"} {
			if !strings.Contains(md, want) {
				t.Errorf("the report lacks %q:\n%s", want, md)
			}
		}
	})
}
