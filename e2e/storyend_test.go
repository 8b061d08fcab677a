package e2e

import (
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// checkSignature does what docs/webhooks.md tells receivers to do.
func checkSignature(secret string, d delivery) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(d.Header.Get("Webhook-Id") + "." + d.Header.Get("Webhook-Timestamp") + "."))
	mac.Write(d.Body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); d.Header.Get("Webhook-Signature") != want {
		return fmt.Errorf("the signature is %q, want %q", d.Header.Get("Webhook-Signature"), want)
	}
	return nil
}

type summaryJSON struct {
	Status                struct{ Indicator, Description string }
	Components            []componentJSON
	Incidents             []publicJSON
	ScheduledMaintenances []publicJSON `json:"scheduled_maintenances"`
}

type componentJSON struct {
	Name, Status string
	Group        bool
	Components   []string
}

type publicJSON struct {
	Name, Status, Impact string
	IncidentUpdates      []struct{ Status, Body string } `json:"incident_updates"`
	ScheduledFor         time.Time                       `json:"scheduled_for"`
	Components           []struct{ Name string }
}

// status reads a file of the public status page as anybody may.
func (st *story) status(t testing.TB, path string, out any) {
	t.Helper()
	if err := readStatus(st.s.status, path, out); err != nil {
		t.Fatalf("the status page's %s: %v", path, err)
	}
}

func readStatus(addr, path string, out any) error {
	res, err := http.Get("http://" + addr + path)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != 200 {
		return fmt.Errorf("%d %s", res.StatusCode, b)
	}
	if s, ok := out.(*string); ok {
		*s = string(b)
		return nil
	}
	return json.Unmarshal(b, out)
}

// publish drafts an update as Ana, who may not release it, and approves it as Ben.
func (st *story) publish(t *testing.T, draft map[string]any) {
	t.Helper()
	var post struct{ ID, State string }
	st.ana.api(t, "POST", "/posts", draft, &post)
	if post.State != "draft" {
		t.Errorf("the post is %+v", post)
	}
	st.ana.refused(t, 403, "POST", "/posts/"+post.ID+"/approve", nil)
	st.ben.api(t, "POST", "/posts/"+post.ID+"/approve", nil, &post)
	if post.State != "published" {
		t.Errorf("the post is %+v", post)
	}
}

// tell: an update is drafted from a template, approved, and read on the status page in every shape.
func (st *story) tell(t *testing.T) {
	var sum summaryJSON
	st.status(t, "/api/v2/summary.json", &sum)
	if sum.Status.Indicator != "none" || len(sum.Incidents) != 0 || len(sum.Components) != 3 {
		t.Errorf("before anything was said the page says %+v", sum)
	}
	if len(sum.ScheduledMaintenances) != 1 || sum.ScheduledMaintenances[0].Name != "Moving the payments database" {
		t.Errorf("the coming maintenance is missing: %+v", sum.ScheduledMaintenances)
	}
	if !slices.ContainsFunc(sum.Components, func(c componentJSON) bool { return c.Group && len(c.Components) == 2 }) {
		t.Errorf("the group of components is missing: %+v", sum.Components)
	}
	st.publish(t, map[string]any{
		"incident": "INC-1", "template": "first-word", "title": "Orders cannot be placed", "components": map[string]string{"orders": "major_outage"},
	})
	eventually(t, 10*time.Second, "the status page tells users", func() error {
		st.status(t, "/api/v2/summary.json", &sum)
		if len(sum.Incidents) == 0 {
			return errNotYet
		}
		return nil
	})
	in := sum.Incidents[0]
	if sum.Status.Indicator != "major" && sum.Status.Indicator != "critical" || in.Name != "Orders cannot be placed" || in.Status != "investigating" ||
		len(in.IncidentUpdates) != 1 || !strings.Contains(in.IncidentUpdates[0].Body, "Placing orders") || strings.Contains(in.IncidentUpdates[0].Body, "{{") {
		t.Errorf("the page says %+v", sum)
	}
	var list struct{ Incidents []publicJSON }
	st.status(t, "/api/v2/incidents.json", &list)
	if len(list.Incidents) != 1 {
		t.Errorf("incidents.json holds %+v", list)
	}
	var windows struct {
		ScheduledMaintenances []publicJSON `json:"scheduled_maintenances"`
	}
	st.status(t, "/api/v2/scheduled-maintenances/upcoming.json", &windows)
	if len(windows.ScheduledMaintenances) != 1 || windows.ScheduledMaintenances[0].ScheduledFor.Before(time.Now()) {
		t.Errorf("the maintenances are %+v", windows)
	}
	st.read(t)
	st.cached(t)
}

// read reads the page and the feed as people do.
func (st *story) read(t *testing.T) {
	t.Helper()
	var page, feed string
	st.status(t, "/", &page)
	st.status(t, "/feed.atom", &feed)
	for _, want := range []string{"Orders cannot be placed", "Placing orders", "Moving the payments database"} {
		if !strings.Contains(page, want) {
			t.Errorf("the status page lacks %q:\n%s", want, text(page))
		}
	}
	if !strings.Contains(feed, "<feed") || !strings.Contains(feed, "Orders cannot be placed") {
		t.Errorf("the feed is\n%s", feed)
	}
	for _, secret := range []string{"Ana Ruiz", "ran out of connections", "CheckoutDown"} {
		if strings.Contains(page+feed, secret) {
			t.Errorf("the public can read %q", secret)
		}
	}
}

// cached checks what a proxy and a slow network need: ETag with 304, and gzip.
func (st *story) cached(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/", "/api/v2/summary.json", "/feed.atom"} {
		ask := func(header, value string) *http.Response {
			req, err := http.NewRequest("GET", "http://"+st.s.status+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", "identity")
			req.Header.Set(header, value)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		plain := ask("Accept", "*/*")
		_ = plain.Body.Close()
		again := ask("If-None-Match", plain.Header.Get("ETag"))
		_ = again.Body.Close()
		if plain.Header.Get("ETag") == "" || again.StatusCode != 304 {
			t.Errorf("%s has the ETag %q and answers %d when asked again", path, plain.Header.Get("ETag"), again.StatusCode)
		}
		packed := ask("Accept-Encoding", "gzip")
		z, err := gzip.NewReader(packed.Body)
		if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not sent as gzip: %v", path, err)
		} else if b, err := io.ReadAll(z); err != nil || len(b) == 0 {
			t.Errorf("%s does not unpack: %v", path, err)
		}
		_ = packed.Body.Close()
	}
}

type factJSON struct {
	ID, Kind, Sentence string
	Sequence           int64
	At, Recorded       time.Time
	Actor              actorJSON
	Subjects           []string
}

type rootcauseJSON struct {
	ID, Number, State, Severity, Owner string
	Due                                time.Time
	Graph                              struct {
		Nodes []struct{ ID, Kind, Text string }
	}
	Actions  []string
	Findings []struct {
		Text   string
		Blocks bool
	}
	Timeline []factJSON
}

// why: the analysis is owed in time, its timeline comes from the journal, it gets causes and an action, and a colleague reviews it.
func (st *story) why(t *testing.T) {
	ana, rc := st.ana, &st.rootcause
	eventually(t, 10*time.Second, "the analysis is open", func() error { return ana.try("GET", "/rootcauses/RCA-1", nil, rc) })
	if rc.State != "open" || rc.Severity != "sev-1" || rc.Owner != ana.ID {
		t.Errorf("the analysis is %+v", rc)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if due := st.incident.ResolvedAt.In(berlin).AddDate(0, 0, 3); !rc.Due.Equal(due) {
		t.Errorf("it is due %s, want three calendar days after the end: %s", rc.Due, due)
	}
	st.timeline(t)
	add := func(in map[string]any) string {
		ana.api(t, "POST", "/rootcauses/RCA-1/causes", in, rc)
		return rc.Graph.Nodes[len(rc.Graph.Nodes)-1].ID
	}
	effect := rc.Graph.Nodes[0].ID
	ana.refused(t, 422, "POST", "/rootcauses/RCA-1/send", nil) // nothing is explained yet
	one := add(map[string]any{"text": "The pool of connections was empty", "category": "technology", "explains": effect})
	two := add(map[string]any{"text": "Nothing limits how long a report may hold a connection", "kind": "condition", "category": "process", "explains": one})
	for _, e := range []string{"metric", "log"} {
		ana.api(t, "POST", "/rootcauses/RCA-1/causes/"+one+"/evidence", map[string]any{"type": e, "text": "100 of 100 connections in use"}, nil)
	}
	ana.api(t, "PUT", "/rootcauses/RCA-1/causes/"+one, map[string]any{"status": "supported"}, nil)
	ana.api(t, "PUT", "/rootcauses/RCA-1/texts/summary", map[string]any{"markdown": "Reports held every connection, so no order could be placed. Reports get a pool of their own."}, nil)
	ana.api(t, "POST", "/rootcauses/RCA-1/actions", map[string]any{"title": "Give reports a pool of their own", "owner": st.ben.ID, "node": two, "proof": "Orders pass while ten reports run."}, rc)
	st.act(t)
	ana.api(t, "POST", "/rootcauses/RCA-1/send", nil, rc)
	ana.refused(t, 403, "POST", "/rootcauses/RCA-1/review", map[string]any{"agree": true})
	st.cleo.api(t, "POST", "/rootcauses/RCA-1/review", map[string]any{"agree": true}, rc)
	ana.api(t, "POST", "/rootcauses/RCA-1/publish", nil, rc)
	if rc.State != "published" || len(rc.Graph.Nodes) != 3 || len(rc.Actions) != 1 {
		t.Errorf("the analysis is %+v", rc)
	}
}

// timeline: what the analysis shows has every step of the story, in the order of happening.
func (st *story) timeline(t *testing.T) {
	t.Helper()
	list := st.rootcause.Timeline
	seen := map[string]int{}
	for i, f := range list {
		seen[f.Kind]++
		if i > 0 && f.At.Before(list[i-1].At) {
			t.Errorf("%s at %s stands after %s at %s", f.Kind, f.At, list[i-1].Kind, list[i-1].At)
		}
	}
	for kind, least := range map[string]int{
		"alert.fired": 1, "page.opened": 1, "page.stepped": 2, "page.acknowledged": 1, "incident.declared": 1, "incident.role_assigned": 1,
		"incident.severity_changed": 1, "incident.step_done": 2, "incident.step_skipped": 1, "incident.noted": 1, "post.published": 2,
		"alert.resolved": 1, "page.resolved": 1, "incident.resolved": 1,
	} {
		if seen[kind] < least {
			t.Errorf("the timeline has %d of %s, want %d; it has %v", seen[kind], kind, least, seen)
		}
	}
}

// act: the corrective action is owed, done, and proven by somebody else.
func (st *story) act(t *testing.T) {
	t.Helper()
	var a struct {
		Number, State, Owner string
		Due                  *time.Time
	}
	st.ana.api(t, "GET", "/actions/"+st.rootcause.Actions[0], nil, &a)
	if a.State != "proposed" || a.Owner != st.ben.ID || a.Due == nil {
		t.Errorf("the action is %+v", a)
	}
	move := func(p *person, to string) {
		p.api(t, "POST", "/actions/"+a.Number+"/state", map[string]any{"state": to}, &a)
	}
	if page := st.ben.page(t, "/mine"); !strings.Contains(page, "Give reports a pool of their own") {
		t.Errorf("Ben's list lacks the action:\n%s", text(page))
	}
	move(st.ben, "accepted")
	move(st.ben, "done")
	move(st.ben, "in_place")
	st.ben.refused(t, 403, "POST", "/actions/"+a.Number+"/state", map[string]any{"state": "effective"})
	move(st.ana, "effective")
	if a.State != "effective" {
		t.Errorf("the action is %+v", a)
	}
}

type articleJSON struct {
	ID, Number, State, Title, Rule, Markdown string
}

// learn: the article is drafted from the analysis, found, and shown on the next alert of the same rule.
func (st *story) learn(t *testing.T) {
	ana, a := st.ana, &st.article
	ana.api(t, "POST", "/articles", map[string]any{"from": "rootcause:" + st.rootcause.ID}, a)
	if a.State != "draft" || a.Rule != "CheckoutDown" || !strings.Contains(a.Markdown, "pool") {
		t.Errorf("the draft is %+v", *a)
	}
	ana.api(t, "POST", "/articles/"+a.Number+"/publish", nil, a)
	if a.State != "published" {
		t.Errorf("the article is %+v", *a)
	}
	eventually(t, 10*time.Second, "the search finds the article", func() error {
		var found listOf[articleJSON]
		ana.api(t, "GET", "/articles?q=connections", nil, &found)
		if len(found.Items) != 1 || found.Items[0].ID != a.ID {
			return fmt.Errorf("it finds %+v", found.Items)
		}
		return nil
	})
	st.target.set(true)
	var alerts listOf[alertJSON]
	eventually(t, 30*time.Second, "the rule fires again", func() error {
		ana.api(t, "GET", "/alerts?state=firing&label=alertname%3DCheckoutDown", nil, &alerts)
		if len(alerts.Items) != 1 {
			return errNotYet
		}
		return nil
	})
	next := alerts.Items[0]
	if next.ID == st.alert.ID || next.Fingerprint != st.alert.Fingerprint {
		t.Errorf("the next alert is %+v, the one before was %+v", next, st.alert)
	}
	page := ana.page(t, "/alerts/"+next.Number)
	if !strings.Contains(page, a.Title) || !strings.Contains(page, "/articles/"+a.Number) {
		t.Errorf("the page of the next alert does not show the article %q:\n%s", a.Title, text(page))
	}
	var pages listOf[pageJSON]
	eventually(t, 10*time.Second, "the next alert pages", func() error {
		ana.api(t, "GET", "/pages?state=open&subject="+url.QueryEscape("alert:"+next.ID), nil, &pages)
		if len(pages.Items) != 1 {
			return fmt.Errorf("there are %+v", pages.Items)
		}
		return nil
	})
	ana.submit(t, "/pages/"+pages.Items[0].Number+"/acknowledge", url.Values{})
	var p pageJSON
	ana.api(t, "GET", "/pages/"+pages.Items[0].Number, nil, &p)
	if p.State != "acknowledged" || p.Via != "web" {
		t.Errorf("after the button the page is %+v", p)
	}
}

// readBack: killed once more, the status page stands alone; started again, everything is there, whole and in order.
func (st *story) readBack(t *testing.T) {
	s := st.s
	before := st.everything(t)
	s.kill()
	st.crashes++
	st.alone(t)
	if out := s.mainstay("journal", "verify"); !strings.Contains(out, "VERDICT") {
		t.Errorf("journal verify says\n%s", out)
	}
	s.start()
	after := st.everything(t)
	for path, was := range before {
		if path == "/facts" {
			continue
		}
		if after[path] != was {
			t.Errorf("%s was\n%s\nand is after the crash\n%s", path, was, after[path])
		}
	}
	var last int64
	n, cursor := 0, ""
	for {
		var facts listOf[factJSON]
		s.api(st.token, "GET", "/facts?project=shop&limit=50&cursor="+cursor, nil, &facts)
		for _, f := range facts.Items {
			if f.Sequence != last+1 {
				t.Errorf("the fact %d follows %d", f.Sequence, last)
			}
			last = f.Sequence
			n++
		}
		if cursor = facts.Next; cursor == "" {
			break
		}
	}
	t.Logf("%d facts of the project, without a gap", n)
	s.mainstay("journal", "verify") // also while the server runs
	if third := st.page.OpenedAt.Add(4*time.Second + 8*time.Second + 1500*time.Millisecond); time.Now().Before(third) {
		time.Sleep(time.Until(third)) // real: the step that must not be taken would be taken by then
	}
	all, different := st.hookA.count(t, "PAG-1", "page")
	st.notMoreThan(t, "Ana's webhook", all, different, 1)
	all, different = st.hookB.count(t, "PAG-1", "page")
	st.notMoreThan(t, "Ben's webhook", all, different, 1)
	if st.mail {
		for _, box := range []*mailbox{st.boxA, st.boxB} {
			for _, subject := range []string{"[sev-1] Checkout does not answer · PAG-1", "Resolved: [sev-1] Checkout does not answer · PAG-1"} {
				all, ids := 0, map[string]bool{}
				for _, l := range box.read(t) {
					if l.Subject == subject {
						all++
						ids[l.ID] = true
					}
				}
				st.notMoreThan(t, box.account+" with "+subject, all, len(ids), 1)
			}
		}
	}
	s.stop()
}

// everything reads what the story made, as text.
func (st *story) everything(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range []string{
		"/alerts/" + st.alert.Number, "/pages/PAG-1", "/incidents/INC-1", "/incidents/INC-1/timeline", "/rootcauses/RCA-1",
		"/actions/" + st.rootcause.Actions[0], "/articles/" + st.article.Number, "/posts?incident=INC-1", "/windows", "/components",
	} {
		var v any
		st.s.api(st.token, "GET", path, nil, &v)
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all[path] = string(b)
	}
	return all
}

// alone: with the server dead, mainstay status serves what it left behind.
func (st *story) alone(t *testing.T) {
	t.Helper()
	addr := freeAddr(t)
	cmd := exec.Command(st.s.bin, "status", "--snapshot", filepath.Join(st.s.dir, "status"), "--listen", addr)
	cmd.Stdout, cmd.Stderr = st.s.out, st.s.out
	cmd.Env = os.Environ()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var page string
	eventually(t, 10*time.Second, "the status page answers alone", func() error { return readStatus(addr, "/", &page) })
	if !strings.Contains(page, "Orders cannot be placed") || !strings.Contains(page, "Placing orders") {
		t.Errorf("alone the status page says\n%s", text(page))
	}
	var list struct{ Incidents []publicJSON }
	if err := readStatus(addr, "/api/v2/incidents.json", &list); err != nil || len(list.Incidents) != 1 || list.Incidents[0].Status != "resolved" {
		t.Errorf("alone incidents.json says %+v, %v", list, err)
	}
}
