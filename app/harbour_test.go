package app_test

import (
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/practice/knowledge"
)

// harbour is a server with the world of docs/manifests.md, and an alert that pages, an incident and all that follows it.
type harbour struct {
	*servertest.Server
	article knowledge.Article // for the rule of the alert; a draft
}

func openHarbour(t *testing.T, s *servertest.Server) *harbour {
	t.Helper()
	ctx, by := t.Context(), servertest.Operator
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Apply(t, manifestsOf(t, "docs/manifests.md")[0].Text)
	project, err := s.Projects.ProjectID(ctx, "shop")
	check(err)
	path := "/in/" + s.Key(t, "shop", "alertmanager") + "/alertmanager/api/v2/alerts"
	if a := s.Nobody().Send(t, "POST", path, `[{"labels":{"alertname":"Down","job":"checkout","severity":"critical"}}]`); a.Status != 200 {
		t.Fatalf("the alert: %d %s", a.Status, a.Body)
	}
	s.Settle(t)
	inc, err := s.Incidents.Declare(ctx, by, incident.Declaration{Project: project, Title: "Checkout is down", Severity: mainstay.Sev1})
	check(err)
	_, err = s.Communication.Draft(ctx, by, communication.Input{
		Incident: inc.ID, Status: communication.Investigating, Title: "Checkout does not work", Body: "We are looking into it.", NextMinutes: 20,
	})
	check(err)
	_, err = s.RootCauses.Open(ctx, by, inc.ID)
	check(err)
	w := &harbour{Server: s}
	w.article, err = s.Knowledge.Create(ctx, by, project, knowledge.Values{Title: "The pool ran dry", Rule: "Down"}, "## Symptom\n\nNo answer.")
	check(err)
	_, err = s.Actions.Create(ctx, by, action.Wanted{Project: project, Title: "Watch the pool"})
	check(err)
	_, err = s.Files.Keep(ctx, file.Upload{Project: project, Name: "log.txt", By: by, Subject: inc.Ref()}, strings.NewReader("a log"))
	check(err)
	s.Settle(t)
	return w
}

// TestWhatBelongsTogetherIsSeenTogether opens the pages of one story, on which each practice shows its part.
func TestWhatBelongsTogetherIsSeenTogether(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := openHarbour(t, s)
		reader := w.With(w.Token(t, "administrator", ""))
		says := func(path string, texts ...string) {
			t.Helper()
			a := reader.Get(t, path)
			for _, text := range texts {
				if a.Status != 200 || !strings.Contains(a.Body, text) {
					t.Errorf("%s answers %d and does not say %q", path, a.Status, text)
				}
			}
		}
		says("/alerts/ALR-1", "PAG-1", "Route checkout decided")
		if a := reader.Get(t, "/alerts/ALR-1"); strings.Contains(a.Body, "The pool ran dry") {
			t.Error("a draft is shown on an alert")
		}
		if _, err := w.Knowledge.Publish(t.Context(), servertest.Operator, w.article.ID); err != nil {
			t.Fatal(err)
		}
		w.Settle(t)
		says("/alerts/ALR-1", "The pool ran dry")
		says("/pages/PAG-1", "ALR-1", "ana@example.org")
		says("/incidents/INC-1", "RCA-1", "Confirm what users see", "Outage of the shop")
		says("/rootcauses/RCA-1", "INC-1")
		says("/", "ALR-1", "INC-1", "PAG-1", "Ana Ruiz")
		says("/projects/shop", "Checkout", "INC-1")
		says("/components", "Buying", "Checkout")
		says("/windows", "We move the database")
		says("/search?q=pool", "The pool ran dry")
	})
}
