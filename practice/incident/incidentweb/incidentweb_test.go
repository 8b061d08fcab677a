package incidentweb_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/practice/incident/incidentdb"
)

func on(t *testing.T, f func(w *world)) {
	t.Helper()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(newWorld(t, e)) },
		documentdb.Migrations(), projectdb.Migrations(), incidentdb.Migrations())
}

// Ana walks an incident from the empty list to its end with forms alone.
func TestAnIncidentIsRunWithoutScript(t *testing.T) {
	on(t, func(w *world) {
		t := w.t
		if got := text(w.get("ana", "/incidents", 200).Find(".empty b")); got != "There was no incident yet." {
			t.Fatalf("the empty list says %q", got)
		}
		w.declareByForm()
		page := w.get("ana", "/incidents/INC-1", 200)
		if page.Find("h1").Text() != "Card payments <b>fail</b>" || !strings.Contains(text(page.Find(".head .sub")), "Ana Ruiz commands. Next: Take command") {
			t.Fatalf("the head says %q", text(page.Find(".head")))
		}
		if n := page.Find(".phases li").Length(); n != 7 || text(page.Find(".phases .now .p")) != "mitigated" {
			t.Fatalf("%d phases, now %q", n, text(page.Find(".phases .now")))
		}
		if page.Find(".plan li:not(.h)").Length() != 2 || page.Find(".actbar .btn").Length() == 0 || page.Find(`a[href="/incidents/INC-1/posts/new"]`).Length() == 0 {
			t.Fatal("plan, phone bar or update button are missing")
		}

		w.Clock.Advance(7 * time.Minute)
		w.post("ana", "/incidents/INC-1/steps/1/done", nil, 303)
		failed := w.page(w.post("ana", "/incidents/INC-1/steps/2/skip", url.Values{"reason": {""}}, 422))
		if failed.Find("#step-2 details[open] .err").Length() != 1 {
			t.Fatal("the fault does not stand at the step")
		}
		w.post("ana", "/incidents/INC-1/steps/2/skip", url.Values{"reason": {"Only **our** version fails <script>alert(1)</script>"}}, 303)
		w.post("ana", "/incidents/INC-1/notes", url.Values{"text": {"Decided to roll back"}, "kind": {"decision"}, "at": {"2026-03-17T03:02"}}, 303)
		w.post("ana", "/incidents/INC-1/roles", url.Values{"role": {"expert"}, "person": {persons["ines"].ID}}, 303)
		w.post("ana", "/incidents/INC-1/tasks", url.Values{"task": {"Check refunds"}}, 303)
		w.post("ana", "/incidents/INC-1/phases", url.Values{"phase": {"mitigated"}}, 303)
		w.post("ana", "/incidents/INC-1/about", url.Values{"title": {"Card payments fail"}, "severity": {"sev-2"}}, 303)
		page = w.get("ana", "/incidents/INC-1", 200)
		if !strings.Contains(text(page.Find("#step-1 .end")), "min late") || !strings.Contains(text(page.Find("#step-2")), "Only our version fails") {
			t.Fatalf("the plan says %q", text(page.Find(".plan")))
		}
		if page.Find("#timeline .tl .late").Length() == 0 || !strings.Contains(text(page.Find("#timeline")), "Decided to roll back") {
			t.Fatalf("the timeline says %q", text(page.Find("#timeline")))
		}
		if !strings.Contains(text(page.Find("#roles")), "Ines Okafor") || text(page.Find(".head .badge")) != "sev-2" {
			t.Fatal("roles or severity are not shown")
		}

		end := w.get("ana", "/incidents/INC-1/resolve", 200)
		if n := end.Find(".note li").Length(); n != 1 { // the open task: no cadence for sev-2
			t.Fatalf("%d things left: %s", n, text(end.Find(".note")))
		}
		w.post("ana", "/incidents/INC-1/resolve", url.Values{"at": {"2027-01-01T00:00"}}, 422)
		w.post("ana", "/incidents/INC-1/resolve", nil, 303)
		w.post("ana", "/incidents/INC-1/close", nil, 303)
		page = w.get("sten", "/incidents/INC-1", 200)
		if text(page.Find(".head .chip")) != "closed" || page.Find("form").Length() > 1 { // the palette's search
			t.Fatalf("a stakeholder sees state %q and %d forms", text(page.Find(".head .chip")), page.Find("form").Length())
		}
		w.post("sten", "/incidents/INC-1/reopen", nil, 403)
		w.get("other", "/incidents/INC-1", 404)
	})
}

// declareByForm declares INC-1, at first with a fault.
func (w *world) declareByForm() {
	t := w.t
	t.Helper()
	form := w.get("ana", "/incidents/new", 200)
	if form.Find(`form[action="/incidents"] [name=title]`).Length() != 1 || form.Find(`[name=services]`).Length() != 1 {
		t.Fatal("the form lacks fields")
	}
	service, _ := form.Find(`[name=services]`).Attr("value")
	project, _ := form.Find(`[name=project]`).Attr("value")
	bad := w.page(w.post("ana", "/incidents", url.Values{"project": {project}, "severity": {"sev-1"}, "title": {" "}, "started": {"2026-03-17T02:51"}}, 422))
	if v, _ := bad.Find(`[name=started]`).Attr("value"); v != "2026-03-17T02:51" || bad.Find("#f-title-err").Length() != 1 {
		t.Fatal("what was typed is lost, or the fault is not beside its field")
	}
	rec := w.post("ana", "/incidents", url.Values{
		"project": {project}, "severity": {"sev-1"}, "title": {"Card payments <b>fail</b>"}, "services": {service},
		"started": {"2026-03-17T02:51"}, "commander": {persons["ana"].ID},
	}, 303)
	if to := rec.Header().Get("Location"); to != "/incidents/INC-1" {
		t.Fatalf("sent to %q", to)
	}
}

func TestAPrivateIncidentIsHiddenOnEveryPath(t *testing.T) {
	on(t, func(w *world) {
		t := w.t
		w.post("ana", "/incidents", url.Values{"project": {w.project}, "severity": {"sev-1"}, "title": {"Keys leaked"}, "private": {"1"}, "commander": {persons["ana"].ID}}, 303)
		w.get("ana", "/incidents/INC-1", 200)
		w.get("mona", "/incidents/INC-1", 200)
		for _, who := range []string{"ines", "sten", "other"} {
			w.get(who, "/incidents/INC-1", 404)
			w.get(who, "/incidents/INC-1/resolve", map[string]int{"ines": 404, "sten": 404, "other": 404}[who])
			w.post(who, "/incidents/INC-1/notes", url.Values{"text": {"x"}}, 404)
			w.call(who, "GET", "/incidents/INC-1", "", 404, nil)
			w.call(who, "GET", "/incidents/INC-1/timeline", "", 404, nil)
			var list struct{ Items []any }
			w.call(who, "GET", "/incidents", "", 200, &list)
			for _, path := range []string{"/", "/incidents"} {
				if strings.Contains(w.get(who, path, 200).Text(), "Keys leaked") || len(list.Items) != 0 {
					t.Errorf("%s learns of it on %s or from %d items", who, path, len(list.Items))
				}
			}
		}
		if !strings.Contains(text(w.get("ana", "/", 200).Find("a.burn")), "Keys leaked") {
			t.Error("the strip does not tell Ana")
		}
		w.post("ana", "/incidents/INC-1/roles", url.Values{"role": {"expert"}, "person": {persons["ines"].ID}}, 303)
		w.get("ines", "/incidents/INC-1", 200)
	})
}

func TestNowShowsWhatBurns(t *testing.T) {
	on(t, func(w *world) {
		w.post("ana", "/incidents", url.Values{"project": {w.project}, "severity": {"sev-2"}, "title": {"Search is slow"}}, 303)
		w.post("ana", "/incidents", url.Values{"project": {w.project}, "severity": {"sev-1"}, "title": {"Cards fail"}, "commander": {persons["ines"].ID}}, 303)
		now := w.get("ana", "/", 200)
		if got := text(now.Find(".fire h3").First()); got != "Cards fail" || now.Find(".fire").Length() != 2 {
			w.t.Fatalf("first burns %q of %d", got, now.Find(".fire").Length())
		}
		if !strings.Contains(text(now.Find(".fire .facts").First()), "Ines Okafor commands") {
			w.t.Fatal(text(now.Find(".fire").First()))
		}
	})
}

func TestTheAPI(t *testing.T) {
	on(t, func(w *world) {
		t := w.t
		var i struct {
			Number, State, Commander string
			Version                  int64
			Steps                    []struct{ State string }
			Left                     []string
			Phases                   map[string]time.Time
		}
		w.call("sten", "POST", "/incidents", `{"project":"harbour","title":"Cards fail","severity":"sev-1"}`, 403, nil)
		w.call("ana", "POST", "/incidents", `{"project":"harbour","title":"Cards fail","severity":"sev-9"}`, 422, nil)
		w.call("ana", "POST", "/incidents", `{"project":"harbour","title":"Cards fail","severity":"sev-1","services":["checkout"],"commander":"ines"}`, 201, &i)
		if i.Number != "INC-1" || i.Commander != persons["ines"].ID || len(i.Steps) != 2 {
			t.Fatalf("declared: %+v", i)
		}
		w.call("ana", "POST", "/incidents/INC-1/steps/1/done", ``, 200, &i)
		w.call("ana", "POST", "/incidents/INC-1/steps/2/skip", `{"reason":""}`, 422, nil)
		w.call("ana", "POST", "/incidents/INC-1/notes", `{"text":"seen","at":"2026-03-17T03:00:00Z"}`, 200, nil)
		w.call("ana", "POST", "/incidents/INC-1/roles", `{"role":"expert","person":"mona"}`, 200, nil)
		w.call("ana", "POST", "/incidents/INC-1/phases", `{"phase":"mitigated"}`, 200, nil)
		w.call("ana", "POST", "/incidents/INC-1/phases", `{"phase":"mitigated"}`, 409, nil)
		w.call("ana", "POST", "/incidents/INC-1/resolve", `{}`, 200, &i)
		if i.State != "resolved" || len(i.Left) != 2 || i.Phases["restored"].IsZero() {
			t.Fatalf("resolved: %+v", i)
		}
		w.call("ana", "POST", "/incidents/INC-1/resolve", ``, 409, nil)
		w.call("ana", "POST", "/incidents/INC-1/close", ``, 200, &i)
		var lines struct {
			Items []struct{ Kind, Who, Text string }
		}
		w.call("sten", "GET", "/incidents/INC-1/timeline", "", 200, &lines)
		if len(lines.Items) < 10 || lines.Items[0].Who != "Ana Ruiz" {
			t.Fatalf("timeline: %+v", lines)
		}
		var plans struct {
			Items []struct {
				ID, Name string
				Spec     struct {
					Updates map[string]string
					Steps   []struct{ Within string }
				}
			}
		}
		w.call("sten", "GET", "/plans?project=harbour", "", 200, &plans)
		if len(plans.Items) != 1 || plans.Items[0].Spec.Updates["sev-1"] != "20m" || plans.Items[0].Spec.Steps[0].Within != "5m" {
			t.Fatalf("plans: %+v", plans)
		}
		w.call("sten", "GET", "/plans/payments", "", 200, nil)
		w.get("sten", "/plans", 200)
		if got := text(w.get("sten", "/plans/"+plans.Items[0].ID, 200).Find("#steps")); !strings.Contains(got, "Take command") {
			t.Fatalf("the plan's page says %q", got)
		}
		w.call("other", "GET", "/plans/payments", "", 404, nil)
	})
}
