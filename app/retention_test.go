package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/storage"
)

const aging = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@example.com, roles: [{role: administrator}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: urgent, project: shop}
spec: {steps: [{targets: ["person:ana"]}]}
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: all, project: shop}
spec: {policy: urgent}
`

// ages is a server with an installation that grows old.
type ages struct {
	*servertest.Server
	shop string
	t    *testing.T
}

// send sends an alert of the name that is over already, or one that fires.
func (a ages) send(key, name string, over bool) {
	a.t.Helper()
	ends := ""
	if over {
		ends = fmt.Sprintf(`, "endsAt":%q`, a.Clock.Now().Add(-time.Second).Format(time.RFC3339))
	}
	body := fmt.Sprintf(`[{"labels":{"alertname":%q,"severity":"critical"},"startsAt":%q%s}]`, name, a.Clock.Now().Add(-time.Minute).Format(time.RFC3339), ends)
	if got := a.Nobody().Send(a.t, "POST", "/in/"+key+"/alertmanager/api/v2/alerts", body); got.Status != 200 {
		a.t.Fatalf("%d %s", got.Status, got.Body)
	}
	a.Settle(a.t)
}

// alerts are the names of the alerts that there are, newest first.
func (a ages) alerts() string {
	a.t.Helper()
	var list struct {
		Items []struct{ Labels map[string]string }
	}
	a.With(a.Token(a.t, "administrator", "")).Get(a.t, "/api/v1/alerts").JSON(a.t, &list)
	var names []string
	for _, x := range list.Items {
		names = append(names, x.Labels["alertname"])
	}
	return strings.Join(names, " ")
}

// contents counts the shop's facts of a kind that have a content, and those whose content is gone.
func (a ages) contents(kind string) (there, gone int) {
	a.t.Helper()
	facts, err := a.Journal.Facts(a.t.Context(), journal.Query{Project: a.shop, Kinds: []string{kind}, Limit: 1000})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, f := range facts {
		if string(f.Payload) == "null" || len(f.Payload) == 0 {
			gone++
		} else {
			there++
		}
	}
	return there, gone
}

func (a ages) count(table string) (n int64) {
	a.t.Helper()
	n, err := storage.One(a.t.Context(), a.DB, storage.Value[int64], `SELECT count(*) FROM `+table)
	if err != nil {
		a.t.Fatal(err)
	}
	return n
}

// incidentOf declares an incident that comes from the newest alert.
func (a ages) incidentOf() {
	a.t.Helper()
	var list struct{ Items []struct{ ID string } }
	a.With(a.Token(a.t, "administrator", "")).Get(a.t, "/api/v1/alerts?limit=1").JSON(a.t, &list)
	ana, err := a.People.ByName(a.t.Context(), "ana")
	if err != nil {
		a.t.Fatal(err)
	}
	_, err = a.Incidents.Declare(a.t.Context(), mainstay.Person(ana.ID), incident.Declaration{
		Project: a.shop, Title: "Down", Severity: mainstay.Sev2, Links: []mainstay.Ref{{Kind: mainstay.KindAlert, ID: list.Items[0].ID}},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.Settle(a.t)
}

// whole fails unless every chain of the journal can be verified.
func (a ages) whole() {
	a.t.Helper()
	chains, err := a.VerifyJournal(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	for _, c := range chains {
		if !c.Whole {
			a.t.Errorf("the journal of %s: %s", c.Project, c.Verdict)
		}
	}
}

// TestRetention: what is old goes, but for what belongs to an incident and while nobody holds it; the chain stays whole and says what went.
func TestRetention(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, aging)
		shop, err := s.Projects.ProjectID(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		a := ages{s, shop, t}
		key := s.Key(t, "shop", "alertmanager")
		for _, name := range []string{"Kept", "Old"} {
			a.send(key, name, false)
			if name == "Kept" {
				a.incidentOf()
			}
			s.Advance(t, time.Minute)
			a.send(key, name, true)
		}
		if _, err := s.Files.Keep(t.Context(), file.Upload{Project: shop, Subject: mainstay.Ref{Kind: mainstay.KindProject, ID: shop}, Name: "a.txt", By: servertest.Operator}, strings.NewReader("text")); err != nil {
			t.Fatal(err)
		}
		hold := "apiVersion: mainstay/v1\nkind: Retention\nmetadata: {name: default, project: shop}\nspec: {hold: the case of 17 March, files: 60d, facts: {'page.*': 500d}}\n"
		s.Apply(t, hold)

		s.Advance(t, 401*24*time.Hour)
		if err := s.Retain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := a.alerts(); got != "Old Kept" || a.count("exhibit") != 1 {
			t.Fatalf("under a hold, there are the alerts %s", got)
		}
		a.send(key, "New", false)
		s.Advance(t, time.Minute)
		a.send(key, "New", true)

		s.Apply(t, strings.Replace(hold, "hold: the case of 17 March, ", "", 1))
		if err := s.Retain(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.wentAfterOneYear()
		s.Advance(t, 120*24*time.Hour)
		if err := s.Retain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if there, gone := a.contents("page.opened"); there != 1 || gone != 2 {
			t.Errorf("of %d pages of before the content is there, of %d it is gone", there, gone)
		}
		a.whole()
		s.Advance(t, 7*time.Hour) // and by itself it goes on without anything to do
		if got := a.alerts(); got != "New Kept" {
			t.Errorf("at last there are the alerts %s", got)
		}
	})
}

// wentAfterOneYear looks at what is left when everything that is older than it is kept has gone.
func (a ages) wentAfterOneYear() {
	t := a.t
	t.Helper()
	if got := a.alerts(); got != "New Kept" {
		t.Errorf("without a hold, there are the alerts %s", got)
	}
	if there, gone := a.contents("alert.fired"); there != 2 || gone != 1 {
		t.Errorf("of %d fired alerts the content is there, of %d it is gone", there, gone)
	}
	if n := a.count("exhibit"); n != 0 {
		t.Errorf("%d files are there", n)
	}
	if n := a.count("inbox"); n != 2 {
		t.Errorf("%d requests are in the inbox, want those of today", n)
	}
	list, err := a.Notices.Deliveries(t.Context(), notify.Filter{Limit: 500})
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	for _, d := range list {
		if d.Planned.Before(mainstaytest.Start.Add(24 * time.Hour)) {
			t.Errorf("an entry of the delivery log is of %s", d.Planned)
		}
	}
	told := map[string]int64{}
	facts, err := a.Journal.Facts(t.Context(), journal.Query{Project: a.shop, Kinds: []string{"retention.pruned"}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		p, _ := fact.As[fact.RetentionPruned](f)
		told[p.What] += p.Count
	}
	if told["alerts"] != 1 || told["files"] != 1 || told["inbox"] < 4 || told["deliveries"] < 2 || told["facts"] < 2 {
		t.Errorf("the journal says that this went: %v", told)
	}
	a.whole()
	page := a.As(t, "ana").Get(t, "/pages")
	if page.Status != 200 {
		t.Errorf("the pages of alerts that are gone answer %d", page.Status)
	}
}
