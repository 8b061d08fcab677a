package app_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/incident"
)

// personSpecs adds persons beside the world's.
func (w *world) add(t *testing.T, name, fullName, role string) people.Person {
	t.Helper()
	w.Apply(t, fmt.Sprintf("apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: %s}\nspec: {fullName: %q, email: %s@example.com, roles: [{role: %s}]}\n", name, fullName, name, role))
	return must[people.Person](t)(w.People.ByName(t.Context(), name))
}

func groups(list []people.HeldGroup) map[string]int {
	m := map[string]int{}
	for _, g := range list {
		m[g.Name] = len(g.Items)
	}
	return m
}

// TestWhoLeavesHandsOver deactivates the person who holds everything.
func TestWhoLeavesHandsOver(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		ctx := t.Context()
		duty := must[people.Person](t)(w.People.ByName(ctx, "duty"))
		next := w.add(t, "nia", "Nia Next", "responder")
		w.Apply(t, "apiVersion: mainstay/v1\nkind: EscalationPolicy\nmetadata: {name: named, project: alpha}\nspec: {steps: [{targets: [\"person:duty\", \"person:nia\"]}]}\n"+
			"---\napiVersion: mainstay/v1\nkind: Team\nmetadata: {name: led}\nspec: {leads: [duty], members: [other]}\n")
		past := must[[]incident.Incident](t)(w.Incidents.Open(ctx, w.alpha[mainstay.KindProject]))
		held := groups(must[[]people.HeldGroup](t)(w.People.Held(ctx, duty.ID)))
		for _, g := range []string{"schedules", "policies", "incidents", "actions", "teams"} {
			if held[g] == 0 {
				t.Errorf("nothing is held of %s: %v", g, held)
			}
		}
		at := w.Clock.Now()
		root := w.With(w.root)
		w.Advance(t, time.Hour)
		page := root.Get(t, "/people/duty/deactivate")
		if page.Status != 200 || !strings.Contains(page.Body, "Shifts in schedules") {
			t.Errorf("the page before: %d", page.Status)
		}
		// Who cannot take over is refused, and nothing has happened.
		for name, faulty := range map[string]string{"nobody": "There is no person", "duty": "somebody else"} {
			if a := root.Send(t, "POST", "/api/v1/people/duty/deactivate", `{"successor":"`+name+`"}`); a.Status != 422 || !strings.Contains(a.Body, faulty) {
				t.Errorf("to %s: %d %s", name, a.Status, a.Body)
			}
		}
		w.leaveSessions(t, duty)
		if a := root.Send(t, "POST", "/api/v1/people/duty/deactivate", `{"successor":"nia","successors":{"actions":"other"}}`); a.Status != 200 || !strings.Contains(a.Body, `"deactivated"`) {
			t.Fatalf("deactivating: %d %s", a.Status, a.Body)
		}
		w.Settle(t)
		if left := must[[]people.HeldGroup](t)(w.People.Held(ctx, duty.ID)); len(left) > 0 {
			t.Errorf("still held: %v", groups(left))
		}
		w.checkSuccession(t, duty, next, past, at)
		// Reactivation gives nothing back.
		if a := root.Send(t, "POST", "/api/v1/people/duty/activate", ""); a.Status != 200 {
			t.Errorf("activating: %d %s", a.Status, a.Body)
		}
		if left := must[[]people.HeldGroup](t)(w.People.Held(ctx, duty.ID)); len(left) > 0 {
			t.Errorf("given back: %v", groups(left))
		}
	})
}

// leaveSessions gives the person a session's worth of things that must end: a token that they made and a link.
func (w *world) leaveSessions(t *testing.T, p people.Person) {
	t.Helper()
	ctx := t.Context()
	if _, err := w.Identity.CreateToken(ctx, mainstay.Person(p.ID), "made by duty", "member", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Identity.PasswordLink(ctx, servertest.Operator, p.ID); err != nil {
		t.Fatal(err)
	}
}

func (w *world) checkSuccession(t *testing.T, duty, next people.Person, past []incident.Incident, at time.Time) {
	t.Helper()
	ctx := t.Context()
	for id, want := range map[time.Time]string{at: duty.ID, w.Clock.Now().Add(time.Minute): next.ID} {
		d, ok, err := w.Escalation.OnCall(ctx, w.alpha[mainstay.KindSchedule], id)
		if err != nil || !ok || d.Person != want {
			t.Errorf("on call at %s: %+v %v %v, want %s", id, d, ok, err, want)
		}
	}
	policy := must[string](t)(specOf(ctx, w.App, w.alpha[mainstay.KindProject], "named"))
	if policy != "person:nia" {
		t.Errorf("the policy pages %s", policy)
	}
	for _, was := range past {
		now := must[incident.Incident](t)(w.Incidents.Incident(ctx, was.ID))
		if now.Holder("commander") != next.ID {
			t.Errorf("%s is commanded by %s", was.Key(), now.Holder("commander"))
		}
	}
	other := must[people.Person](t)(w.People.ByName(ctx, "other"))
	if mine := must[[]action.Action](t)(w.Actions.Mine(ctx, other.ID)); len(mine) == 0 {
		t.Error("no action went to other")
	}
	facts := w.about(t, mainstay.Installation, "person.deactivated", "token.revoked", "identity.invitation_revoked")
	if len(facts) != 3 {
		t.Errorf("%d facts tell of the end", len(facts))
	}
	for _, f := range facts {
		if p, is := fact.As[fact.PersonDeactivated](f); is && (len(p.Handed) < 4 || p.Left != 0) {
			t.Errorf("handed over: %+v", p)
		}
	}
}

func specOf(ctx context.Context, a *app.App, project, policy string) (string, error) {
	specs, err := a.Escalation.PolicySpecs(ctx, project)
	if err != nil || len(specs[policy].Steps) == 0 {
		return "", err
	}
	return strings.Join(specs[policy].Steps[0].Targets, " "), nil
}

// about reads the facts of the kinds.
func (w *world) about(t *testing.T, project string, kinds ...string) []fact.Fact {
	t.Helper()
	page, err := w.Journal.Audit(t.Context(), auditOf(project, kinds...))
	if err != nil {
		t.Fatal(err)
	}
	return page.Facts
}

func TestWhatNobodyTakesOverIsAskedOfAManager(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		ctx := t.Context()
		duty := must[people.Person](t)(w.People.ByName(ctx, "duty"))
		w.Apply(t, "apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: duty}\nspec: {email: duty@example.com, deactivated: true, roles: [{role: responder}]}\n")
		w.Settle(t)
		if left := must[[]people.HeldGroup](t)(w.People.Held(ctx, duty.ID)); len(left) == 0 {
			t.Error("what nobody took over is no longer listed")
		}
		asked := must[[]action.Action](t)(w.Actions.Of(ctx, duty.Ref()))
		manager := must[string](t)(w.personID(t, "manager"))
		root := must[string](t)(w.personID(t, "root"))
		owners := map[string]string{}
		for _, a := range asked {
			owners[a.Project] = a.Owner
		}
		if owners[w.alpha[mainstay.KindProject]] != manager || owners[w.beta[mainstay.KindProject]] != root {
			t.Errorf("asked of %v; manager %s, root %s", owners, manager, root)
		}
		list := w.With(w.root).Get(t, "/admin/personal-data")
		if list.Status != 200 || !strings.Contains(list.Body, "/people/duty/handover") {
			t.Errorf("the list: %d", list.Status)
		}
		// Later somebody takes it.
		if a := w.With(w.root).Send(t, "POST", "/api/v1/people/duty/handover", `{"successor":"root"}`); a.Status != 200 || !strings.Contains(a.Body, `"items":[]`) {
			t.Errorf("handing over later: %d %s", a.Status, a.Body)
		}
	})
}

// TestErasureForgetsAndTheChainStaysWhole erases a person whose name stands in many places.
func TestErasureForgetsAndTheChainStaysWhole(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		ctx := t.Context()
		zoe := w.add(t, "zoe", "Zoe Zyzzyva", "responder")
		by := mainstay.Person(zoe.ID)
		project := w.alpha[mainstay.KindProject]
		must[action.Action](t)(w.Actions.Create(ctx, servertest.Operator, action.Wanted{Project: project, Title: "Ask Zoe Zyzzyva (zoe@example.com)", Owner: zoe.ID, Origin: zoe.Ref()}))
		must[incident.Incident](t)(w.Incidents.AddNote(ctx, by, w.alpha[mainstay.KindIncident], "happened", "A note of zoe's", time.Time{}))
		w.As(t, "zoe") // signs in
		w.Settle(t)
		export := unzip(t, w.With(w.root).Get(t, "/people/zoe/export"))
		for _, name := range []string{"profile.json", "sign-in.json", "notices.jsonl", "actions.jsonl", "facts.jsonl", "views.json", "holds.json"} {
			if export[name] == "" && name != "notices.jsonl" {
				t.Errorf("the export has no %s: %v", name, keys(export))
			}
		}
		if !strings.Contains(export["profile.json"], "Zoe Zyzzyva") || !strings.Contains(fmt.Sprint(export), "A note of zoe") {
			t.Errorf("the export does not hold what it must: %v", keys(export))
		}
		root := w.With(w.root)
		if a := root.Send(t, "POST", "/api/v1/people/zoe/erase", `{"reason":"asked for"}`); a.Status != 409 {
			t.Errorf("erasing somebody active: %d %s", a.Status, a.Body)
		}
		root.Send(t, "POST", "/api/v1/people/zoe/deactivate", `{"successor":"duty"}`)
		if a := root.Send(t, "POST", "/api/v1/people/zoe/erase", `{"reason":"asked for by letter"}`); a.Status != 200 {
			t.Fatalf("erasing: %d %s", a.Status, a.Body)
		}
		w.erased(t)
		w.forgotten(t, zoe)
		if p := must[people.Person](t)(w.People.ByID(ctx, zoe.ID)); p.FullName != "A former member" || p.Email != "" || len(p.Contacts) > 0 || !p.Erased() {
			t.Errorf("what is left: %+v", p)
		}
		if a := root.Get(t, "/search?q=Zyzzyva"); strings.Contains(a.Body, "/people/") {
			t.Error("search still finds them")
		}
		// Nothing brings them back, and a second time is refused.
		for _, path := range []string{"activate", "erase"} {
			if a := root.Send(t, "POST", "/api/v1/people/"+zoe.ID+"/"+path, `{"reason":"x"}`); path == "erase" && a.Status != 409 {
				t.Errorf("%s once more: %d %s", path, a.Status, a.Body)
			}
		}
	})
}

// erased waits until the journal has forgotten.
func (w *world) erased(t *testing.T) {
	t.Helper()
	mainstaytest.Eventually(t, "the journal forgets", func() bool {
		list := must[[]people.Erasure](t)(w.People.Erasures(t.Context()))
		return !slices.ContainsFunc(list, func(e people.Erasure) bool { return e.DoneAt.IsZero() })
	})
	w.Settle(t)
}

// forgotten looks for the name and the address in every table, and verifies the chains.
func (w *world) forgotten(t *testing.T, p people.Person) {
	t.Helper()
	chains := must[[]app.Chain](t)(w.VerifyJournal(t.Context()))
	var erased int64
	for _, c := range chains {
		if !c.Whole {
			t.Errorf("%s: %s", c.Project, c.Verdict)
		}
	}
	heads := must[map[string]int64](t)(w.Journal.Heads(t.Context()))
	q := auditOf("")
	for project := range heads {
		q.Projects = append(q.Projects, project)
	}
	for q.Limit = 500; ; {
		page, err := w.Journal.Audit(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Facts {
			if body := string(f.Payload); strings.Contains(body, p.FullName) || strings.Contains(body, p.Email) {
				t.Errorf("%s %d (%s) still says %s", f.Project, f.Sequence, f.Kind, body)
			}
			if x, is := fact.As[fact.PayloadErased](f); is {
				erased += x.Facts
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if erased == 0 {
		t.Error("no fact says that facts were erased")
	}
	_, c := taken(t, w.Config)
	for _, row := range c.rows {
		if strings.HasPrefix(row, "journal_batch ") {
			continue // packed; read above
		}
		if strings.Contains(row, p.FullName) || strings.Contains(row, p.Email) {
			t.Errorf("a row still says: %.300s", row)
		}
	}
}

func keys(m map[string]string) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

func unzip(t *testing.T, a servertest.Answer) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(a.Body)), int64(len(a.Body)))
	if err != nil {
		t.Fatalf("%d: %v", a.Status, err)
	}
	m := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		m[f.Name] = string(b)
	}
	return m
}

// TestARestoredBackupForgetsAgain restores what was backed up before an erasure.
func TestARestoredBackupForgetsAgain(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	w := newWorld(t, s)
	zoe := w.add(t, "zoe", "Zoe Zyzzyva", "responder")
	before, _ := taken(t, w.Config)
	root := w.With(w.root)
	root.Send(t, "POST", "/api/v1/people/zoe/deactivate", `{"successor":"duty"}`)
	root.Send(t, "POST", "/api/v1/people/zoe/erase", `{"reason":"asked for"}`)
	w.erased(t)
	list, err := os.ReadFile(filepath.Join(w.Config.Data, "erasures.json"))
	if err != nil || !strings.Contains(string(list), zoe.ID) || strings.Contains(string(list), "Zyzzyva") {
		t.Fatalf("the list of erasures: %s %v", list, err)
	}
	cfg := servertest.Config(t, "sqlite")
	cfg.SecretKeyFile = w.Config.SecretKeyFile
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Restore(t.Context(), cfg, bytes.NewReader(before)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Data, "erasures.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	again := servertest.New(t, "sqlite", func(c *app.Config) { *c = cfg; c.Log = w.Config.Log })
	restored := &world{Server: again}
	mainstaytest.Eventually(t, "the restored installation forgets her", func() bool {
		p, err := again.People.ByID(t.Context(), zoe.ID)
		return err == nil && p.Erased()
	})
	restored.erased(t)
}

// TestTheAuditIsExported reads the audit as pages, API and files.
func TestTheAuditIsExported(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		root := w.With(w.root)
		for path, says := range map[string]string{
			"/admin/audit":                      "declared",
			"/admin/audit?person=duty&by=":      "asked for",
			"/admin/audit?kind=access&by=":      "gave the role",
			"/admin/audit?object=person:duty":   "added a person",
			"/admin/audit?project=beta&by=":     "declared",
			"/admin/audit?since=2040-01-01":     "Nothing is found",
			"/admin/audit?person=nobody&by=":    "There is no person",
			"/admin/audit?since=yesterday&by=":  "neither a day",
			"/admin/audit?object=INC-99999&by=": "object",
		} {
			if a := root.Get(t, path); !strings.Contains(a.Body, says) {
				t.Errorf("%s answers %d and does not say %q", path, a.Status, says)
			}
		}
		w.Clock.Advance(time.Minute)
		sheet := root.Get(t, "/api/v1/audit/export?format=csv")
		rows, err := csv.NewReader(strings.NewReader(sheet.Body)).ReadAll()
		if err != nil || len(rows) < 50 || rows[0][0] != "recorded" {
			t.Fatalf("the sheet: %d rows, %v", len(rows), err)
		}
		w.Clock.Advance(time.Minute)
		lines := strings.Split(strings.TrimSpace(root.Get(t, "/api/v1/audit/export?format=jsonl").Body), "\n")
		var last struct{ Kind, Who, Sentence string }
		if err := json.Unmarshal([]byte(lines[0]), &last); err != nil || last.Kind != "journal.exported" || last.Who == "" {
			t.Errorf("the first line: %s %v", lines[0], err)
		}
		if want := len(rows) - 1 + 1; len(lines) != want { // the export of the sheet is one more
			t.Errorf("%d lines, want %d", len(lines), want)
		}
		if a := root.Get(t, "/api/v1/audit/export?format=xls"); a.Status != 422 {
			t.Errorf("an unknown format: %d %s", a.Status, a.Body)
		}
		w.auditIsNarrow(t)
	})
}

// auditIsNarrow reads the audit as somebody of one project.
func (w *world) auditIsNarrow(t *testing.T) {
	t.Helper()
	member := w.With(w.tokens["member"])
	all := member.Get(t, "/api/v1/audit/export?format=jsonl")
	if all.Status != 200 || strings.Contains(all.Body, markOther) || strings.Contains(all.Body, markPrivate) {
		t.Errorf("a member of alpha reads what is not theirs: %d", all.Status)
	}
	if a := member.Get(t, "/api/v1/audit?project=beta"); a.Status != 422 {
		t.Errorf("a member of alpha asks for beta: %d", a.Status)
	}
	if a := w.With(w.tokens["stakeholder"]).Get(t, "/api/v1/audit"); a.Status != http.StatusForbidden {
		t.Errorf("a stakeholder reads the audit: %d", a.Status)
	}
	if a := w.Nobody().Get(t, "/api/v1/audit/export?format=csv"); a.Status != http.StatusUnauthorized {
		t.Errorf("nobody exports: %d", a.Status)
	}
}

// TestPreferencesAreRespected chooses on the page and looks at what is sent.
func TestPreferencesAreRespected(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		ctx := t.Context()
		duty := must[people.Person](t)(w.People.ByName(ctx, "duty"))
		c := w.As(t, "duty")
		if a := c.Get(t, "/me/preferences"); a.Status != 200 || !strings.Contains(a.Body, "Summary by mail") {
			t.Fatalf("the form: %d", a.Status)
		}
		if a := c.Post(t, "/me/preferences", url.Values{"zone": {"Nowhere"}, "language": {"en"}, "quietFrom": {"22:00"}}); a.Status != 422 || !strings.Contains(a.Body, "Give both") {
			t.Errorf("a faulty form: %d", a.Status)
		}
		form := url.Values{
			"zone": {"Europe/Berlin"}, "language": {"en"}, "topic-action": {"none"}, "quietFrom": {"00:00"}, "quietTo": {"23:59"},
			"daily": {"1"}, "at": {"07:30"}, "day": {"mon"},
		}
		if a := c.Post(t, "/me/preferences", form); a.Status != 303 {
			t.Fatalf("saving: %d %s", a.Status, a.Body)
		}
		must[action.Action](t)(w.Actions.Create(ctx, servertest.Operator, action.Wanted{Project: w.alpha[mainstay.KindProject], Title: "Silent", Owner: duty.ID, Due: w.Clock.Now().Add(20 * time.Hour)}))
		w.Settle(t)
		sent := w.deliveries(t, duty.ID, "action.assigned")
		if !slices.ContainsFunc(sent, func(d notify.Delivery) bool {
			return d.State == notify.Suppressed && strings.Contains(d.Reason, "chose not to be sent actions")
		}) {
			t.Errorf("an action: %+v", sent)
		}
		// A page comes at once, quiet hours or not.
		was := len(w.deliveries(t, duty.ID, "page"))
		key := w.Key(t, "beta", "alertmanager")
		w.Nobody().Send(t, http.MethodPost, "/in/"+key+"/alertmanager/api/v2/alerts", `[{"labels":{"alertname":"Loud","severity":"critical"}}]`)
		w.Settle(t)
		if now := w.deliveries(t, duty.ID, "page"); len(now) <= was || slices.ContainsFunc(now, func(d notify.Delivery) bool {
			return d.Next.After(w.Clock.Now()) || strings.Contains(d.Reason, "held")
		}) {
			t.Errorf("a page in quiet hours: %d before, %+v", was, now)
		}
		// The summary comes at half past seven on her clock, once.
		loc := must[*time.Location](t)(time.LoadLocation("Europe/Berlin"))
		at := time.Date(2026, 3, 17, 7, 30, 0, 0, loc)
		w.Advance(t, at.Sub(w.Clock.Now())-time.Second)
		if early := w.deliveries(t, duty.ID, people.DigestTemplate); len(early) > 0 {
			t.Errorf("too early: %+v", early)
		}
		w.Advance(t, time.Second)
		w.Advance(t, time.Hour)
		digests := w.deliveries(t, duty.ID, people.DigestTemplate)
		if len(digests) != 1 || !digests[0].Planned.Equal(at) {
			t.Errorf("summaries: %+v", digests)
		}
		told := must[[]notify.Told](t)(w.Notices.Told(ctx, notify.TellFilter{Person: duty.ID, Limit: 500}))
		for _, x := range told {
			if x.Template == people.DigestTemplate && (!strings.Contains(string(x.Data), "Silent") || !strings.Contains(string(x.Data), "Your shifts")) {
				t.Errorf("the summary says %s", x.Data)
			}
		}
	})
}

func (w *world) deliveries(t *testing.T, person, template string) []notify.Delivery {
	t.Helper()
	list := must[[]notify.Delivery](t)(w.Notices.Deliveries(t.Context(), notify.Filter{Person: person, Limit: 1000}))
	return slices.DeleteFunc(list, func(d notify.Delivery) bool { return d.Template != template })
}

// TestWhatAnaMayDoAndWhy reads the matrix and gives and takes roles by it.
func TestWhatAnaMayDoAndWhy(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		w.Apply(t, "apiVersion: mainstay/v1\nkind: Team\nmetadata: {name: keepers}\nspec: {title: The Keepers, members: [other], roles: [{role: manager, project: beta}]}\n")
		root := w.With(w.root)
		page := root.Get(t, "/people/other/access?in=beta")
		for _, says := range []string{"The Keepers", "manager in Project " + markOther + ", by the team The Keepers", "change schedules and policies"} {
			if !strings.Contains(page.Body, says) {
				t.Errorf("the matrix answers %d and does not say %q", page.Status, says)
			}
		}
		var got struct {
			Roles []struct{ Role, Project, Team string }
			May   []struct {
				Permission string
				Why        []struct{ Role, Team string }
			}
		}
		root.Get(t, "/api/v1/people/other/access?in=beta").JSON(t, &got)
		if i := slices.IndexFunc(got.May, func(m struct {
			Permission string
			Why        []struct{ Role, Team string }
		}) bool {
			return m.Permission == "oncall.manage"
		}); i < 0 || got.May[i].Why[0].Team != "keepers" {
			t.Errorf("over the API: %+v", got)
		}
		people := root.Get(t, "/projects/beta/people")
		if !strings.Contains(people.Body, "by the team The Keepers") || !strings.Contains(people.Body, "in all projects") {
			t.Errorf("the people of beta: %d", people.Status)
		}
		if a := root.Send(t, "PUT", "/api/v1/people/root/roles", `{"roles":[]}`); a.Status != 409 {
			t.Errorf("the last administrator: %d %s", a.Status, a.Body)
		}
		if a := w.With(w.tokens["manager"]).Send(t, "PUT", "/api/v1/people/other/roles", `{"roles":[]}`); a.Status != 403 {
			t.Errorf("a manager of alpha gives roles: %d", a.Status)
		}
		chief := w.As(t, "root")
		if a := chief.Post(t, "/projects/beta/people", url.Values{"who": {"duty@example.com"}, "role": {"member"}}); a.Status != 303 {
			t.Errorf("giving: %d %s", a.Status, a.Body)
		}
		if a := chief.Post(t, "/projects/beta/people", url.Values{"who": {"nobody"}, "role": {"member"}}); a.Status != 404 || !strings.Contains(a.Body, "There is no person and no team") {
			t.Errorf("giving to nobody: %d", a.Status)
		}
		if a := chief.Post(t, "/people/root/access", url.Values{"take": {"administrator"}}); a.Status != 409 || !strings.Contains(a.Body, "last administrator") {
			t.Errorf("taking the last: %d", a.Status)
		}
		if a := chief.Post(t, "/people/duty/access", url.Values{"take": {"member " + w.beta[mainstay.KindProject]}}); a.Status != 303 {
			t.Errorf("taking: %d %s", a.Status, a.Body)
		}
	})
}

func auditOf(project string, kinds ...string) journal.AuditQuery {
	q := journal.AuditQuery{Kinds: kinds, Limit: 1000}
	if project != "" {
		q.Projects = []string{project}
	}
	return q
}
