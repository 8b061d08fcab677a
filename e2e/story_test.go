package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// story is the main job on real input, walked from the first administrator to the article, with the server killed on the way.
type story struct {
	s            *server
	mail         bool // a mail server runs
	boxA, boxB   *mailbox
	hookA, hookB *hook
	secretA      string
	target       *target
	token        string
	key          string
	admin        *person
	ana, ben     *person
	cleo         *person
	failed       time.Time // when the target failed
	alert        alertJSON
	page         pageJSON
	ackLink      string
	incident     incidentJSON
	rootcause    rootcauseJSON
	article      articleJSON
	crashes      int
}

type alertJSON struct {
	ID, Number, State, Severity, Title, Fingerprint, Why string
	Labels, Annotations                                  map[string]string
	StartsAt                                             time.Time
	SuppressedBy                                         []string
}

type actorJSON struct{ Kind, ID string }

type pageJSON struct {
	ID, Number, State, Via, Severity, EndReason string
	Step, Repeat                                int
	NextAt, AcknowledgedAt, EndedAt             *time.Time
	OpenedAt                                    time.Time
	AcknowledgedBy                              *actorJSON
	Subjects                                    []string
	Log                                         []struct {
		At      time.Time
		Step    int
		Late    bool
		Reached []struct{ Person, Why string }
	}
}

type incidentJSON struct {
	ID, Number, State, Severity, Title, Commander string
	ResolvedAt                                    *time.Time
	Phases                                        map[string]time.Time
	Plan                                          struct {
		Name    string
		Version int64
	}
	Roles []struct{ Role, Person string }
	Steps []struct {
		Number             int
		Title, Role, State string
		Due                *time.Time
	}
	Links []string
}

type listOf[T any] struct {
	Items []T
	Next  string
}

// TestStory walks the story on both databases.
func TestStory(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			st := newStory(t, engine)
			for _, chapter := range []struct {
				name string
				walk func(*story, *testing.T)
			}{
				{"1 set up", (*story).setUp},
				{"2 the alert wakes Ana", (*story).wake},
				{"3 killed, and it escalates to Ben", (*story).killed},
				{"4 acknowledged by mail", (*story).acknowledge},
				{"5 amtool sees it", (*story).amtool},
				{"6 the incident under its plan", (*story).handle},
				{"7 users are told", (*story).tell},
				{"8 it recovers and is resolved", (*story).resolve},
				{"9 why it happened", (*story).why},
				{"10 the article comes back with the alert", (*story).learn},
				{"11 killed again, and read back", (*story).readBack},
			} {
				began := time.Now()
				ok := t.Run(chapter.name, func(t *testing.T) {
					st.s.t = t
					chapter.walk(st, t)
				})
				st.s.t = t
				if !ok {
					t.FailNow()
				}
				t.Logf("%s: %.1f s", chapter.name, time.Since(began).Seconds())
			}
		})
	}
}

func newStory(t *testing.T, engine string) *story {
	t.Helper()
	if engine == "postgres" {
		need(t, "postgres")
	}
	st := &story{mail: os.Getenv("MAINSTAY_TEST_MAIL") != "", hookA: newHook(t), hookB: newHook(t), target: newTarget(t)}
	flags := []string{"--allow-targets", "127.0.0.0/8", "--mail-from", "Mainstay <mainstay@mail.test>"}
	if st.mail {
		flags = append(flags, "--smtp-url", os.Getenv("MAINSTAY_TEST_SMTP"))
	}
	st.boxA, st.boxB = newMailbox(t, "ana"), newMailbox(t, "ben")
	st.s = newServer(t, engine, flags...)
	return st
}

// manifest fills the manifest in and writes it to a file, whose path it returns.
func (st *story) manifest(t *testing.T, change ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "story.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(48 * time.Hour).Truncate(time.Hour)
	whole := strings.NewReplacer("{{ana}}", st.boxA.Address, "{{ben}}", st.boxB.Address, "{{cleo}}", "cleo@mail.test",
		"{{hookA}}", st.hookA.URL, "{{hookB}}", st.hookB.URL,
		"{{from}}", from.Format(time.RFC3339), "{{until}}", from.Add(30*time.Minute).Format(time.RFC3339)).Replace(string(b))
	for i := 0; i+1 < len(change); i += 2 {
		if !strings.Contains(whole, change[i]) {
			t.Fatalf("the manifest has no %q", change[i])
		}
		whole = strings.Replace(whole, change[i], change[i+1], 1)
	}
	path := filepath.Join(t.TempDir(), "story.yaml")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var signingSecret = regexp.MustCompile(`(?s)Secret that signs.*?<code>([^<]+)</code>`)

// setUp makes the installation by commands alone, some before the server runs and some while it does.
func (st *story) setUp(t *testing.T) {
	s := st.s
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("the admin of the story\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.mainstay("setup", "--admin", "admin@mail.test", "--password-file", password)
	if out, err := s.try("setup", "--admin", "other@mail.test", "--password-file", password); err == nil {
		t.Errorf("a second setup must be refused: %s", out)
	}
	file := st.manifest(t)
	s.mainstay("apply", "-f", file)
	if again := s.mainstay("apply", "-f", file); strings.Contains(strings.ReplaceAll(again, "unchanged", ""), "changed") {
		t.Errorf("applying twice must change nothing:\n%s", again)
	}
	before := s.mainstay("key", "create", "--project", "shop", "--format", "heartbeat")
	s.start()
	st.token = s.mainstay("token", "create", "--name", "story", "--role", "administrator")
	st.key = s.mainstay("key", "create", "--project", "shop", "--service", "checkout", "--format", "alertmanager")
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(st.key) || strings.ContainsAny(st.token, " \n") || st.token == "" {
		t.Errorf("the key is %q, the token %q", st.key, st.token)
	}
	if asked := s.mainstay("key", "create", "--project", "shop", "--format", "generic", "--server", "http://"+s.addr, "--token", st.token); len(asked) != len(before) || asked == before {
		t.Errorf("a key made before the start is %q, one made through the API %q", before, asked)
	}
	var me listOf[struct{ Name string }]
	s.api(st.token, "GET", "/projects", nil, &me) // the token works at once, although the server ran already
	if len(me.Items) != 1 || me.Items[0].Name != "shop" {
		t.Errorf("the projects are %+v", me.Items)
	}
	st.admin = s.signIn(t, "admin", "admin@mail.test", "the admin of the story")
	st.ana = st.admin.invite(t, "ana", st.boxA.Address, "ana watches the shop")
	st.ben = st.admin.invite(t, "ben", st.boxB.Address, "ben runs the support")
	st.cleo = st.admin.invite(t, "cleo", "cleo@mail.test", "cleo reads with care")
	if m := signingSecret.FindStringSubmatch(st.ana.page(t, "/people/ana")); m != nil {
		st.secretA = m[1]
	} else {
		t.Error("Ana's page does not show the secret of her webhook")
	}
	st.watch(t)
	// A second time so long after the first that Prometheus has scraped the healthy target: no alert may come of it.
	eventually(t, 10*time.Second, "the target is scraped", func() error {
		if st.target.asked() < 2 {
			return errNotYet
		}
		return nil
	})
	var none listOf[alertJSON]
	s.api(st.token, "GET", "/alerts", nil, &none)
	if len(none.Items) != 0 {
		t.Fatalf("there are alerts already: %+v", none.Items)
	}
}

// watch starts Prometheus; where there is none, the test posts in its place what a Prometheus would.
func (st *story) watch(t *testing.T) {
	t.Helper()
	outer := st.s.root
	if os.Getenv("MAINSTAY_TEST_PROMETHEUS") != "" || os.Getenv("MAINSTAY_TEST_ALL") != "" {
		startPrometheus(outer, st.s, st.key, st.target)
		return
	}
	t.Log("there is no Prometheus: the test posts its alerts")
	actAsPrometheus(outer, st.s, st.key, st.target)
}

// wake: the target fails, the alert is seen everywhere, and Ana is paged by mail and webhook.
func (st *story) wake(t *testing.T) {
	st.target.set(true)
	st.failed = time.Now()
	first := st.hookA.wait(t, 1, "Ana's webhook is called")
	// The mail may be in the midst of being sent: that is the moment to kill the server. What is checked follows when it is dead.
	st.s.kill()
	st.crashes++
	t.Logf("from the failure to the page %.2f s (a scrape and an evaluation each second)", first.At.Sub(st.failed).Seconds())
	st.checkHook(t, first)
}

// payloadJSON is what a receiver made for Alertmanager reads, and our own object.
type payloadJSON struct {
	Version, Status, Receiver, GroupKey, ExternalURL string
	GroupLabels, CommonLabels, CommonAnnotations     map[string]string
	TruncatedAlerts                                  *int
	Alerts                                           []struct {
		Status, Fingerprint, GeneratorURL string
		Labels, Annotations               map[string]string
		StartsAt, EndsAt                  time.Time
	}
	Mainstay struct {
		Delivery, Template, Page, Subject, Person, URL, AckURL, Title, Text string
		Attempt                                                             int
	}
}

func readPayload(t testing.TB, d delivery) payloadJSON {
	t.Helper()
	var p payloadJSON
	if err := json.Unmarshal(d.Body, &p); err != nil {
		t.Fatalf("the webhook got no JSON: %v\n%s", err, d.Body)
	}
	return p
}

// checkHook reads a delivery as a receiver would: the signature, then the payload.
func (st *story) checkHook(t *testing.T, d delivery) {
	t.Helper()
	if err := checkSignature(st.secretA, d); err != nil {
		t.Errorf("the signature: %v", err)
	}
	p := readPayload(t, d)
	if p.Version != "4" || p.Status != "firing" || p.Receiver != "urgent" || p.GroupKey == "" || p.TruncatedAlerts == nil || len(p.Alerts) != 1 {
		t.Fatalf("the payload is not Alertmanager's: %s", d.Body)
	}
	a := p.Alerts[0]
	if a.Status != "firing" || a.Labels["alertname"] != "CheckoutDown" || a.Labels["service"] != "checkout" || len(a.Fingerprint) != 16 ||
		a.Annotations["summary"] != "Checkout does not answer" || p.CommonLabels["severity"] != "critical" || a.StartsAt.IsZero() {
		t.Errorf("the alert in the payload is %+v", a)
	}
	if p.ExternalURL != "http://"+st.s.addr || p.Mainstay.Page != "PAG-1" || !strings.HasPrefix(p.Mainstay.AckURL, "http://"+st.s.addr+"/pages/") {
		t.Errorf("our own part of the payload is %+v", p.Mainstay)
	}
	if id := d.Header.Get("Mainstay-Delivery"); id == "" || id != p.Mainstay.Delivery {
		t.Errorf("the delivery is %q in the header and %q in the body", id, p.Mainstay.Delivery)
	}
	st.ackLink = p.Mainstay.AckURL
}

// killed: the server was killed before the mail's fate was known and before the second step; it starts again, the mail arrives,
// and Ben is paged when he should be.
func (st *story) killed(t *testing.T) {
	st.s.start()
	s := st.s
	var pages listOf[pageJSON]
	s.api(st.token, "GET", "/pages", nil, &pages)
	if len(pages.Items) != 1 || pages.Items[0].State != "open" || pages.Items[0].Severity != "sev-1" {
		t.Fatalf("after the crash the pages are %+v", pages.Items)
	}
	st.page = pages.Items[0]
	second := st.hookB.wait(t, 1, "Ben's webhook is called")
	due := st.page.OpenedAt.Add(4 * time.Second)
	t.Logf("step 2 came %d ms after it was due", second.At.Sub(due).Milliseconds())
	if late := second.At.Sub(due); late < 0 || late > time.Second {
		t.Errorf("step 2 came %s after it was due, want within a second", late)
	}
	s.api(st.token, "GET", "/pages/PAG-1", nil, &st.page)
	if st.page.Step != 2 || len(st.page.Log) != 2 || st.page.Log[1].Late || st.page.Log[1].Reached[0].Person != st.ben.ID {
		t.Errorf("the page's log is %+v", st.page.Log)
	}
	var alerts listOf[alertJSON]
	s.api(st.token, "GET", "/alerts", nil, &alerts)
	if len(alerts.Items) != 1 {
		t.Fatalf("want one alert, got %+v", alerts.Items)
	}
	st.alert = alerts.Items[0]
	if a := st.alert; a.State != "firing" || a.Number != "ALR-1" || a.Labels["job"] != "checkout" || a.Severity != "sev-1" || len(a.SuppressedBy) != 0 {
		t.Errorf("the alert is %+v", a)
	}
	if got := st.page.Subjects; len(got) != 1 || got[0] != "alert:"+st.alert.ID {
		t.Errorf("the page is about %v", got)
	}
	t.Run("mail", func(t *testing.T) {
		need(t, "mail")
		l := st.boxA.wait(t, "Checkout does not answer")
		if l.Subject != "[sev-1] Checkout does not answer · PAG-1" || l.ID == "" {
			t.Errorf("the subject is %q", l.Subject)
		}
		for _, want := range []string{"SEV-1\nCheckout does not answer", "The checkout answers no request.", "schedule primary", "http://" + s.addr + "/pages/PAG-1"} {
			if !strings.Contains(l.Text, want) {
				t.Errorf("the mail lacks %q:\n%s", want, l.Text)
			}
		}
		link := regexp.MustCompile(`http://\S+/ack\?\S+`).FindString(l.Text)
		if link == "" || !strings.Contains(l.HTML, "/ack?") {
			t.Fatalf("the mail has no link to acknowledge:\n%s", l.Text)
		}
		st.ackLink = link
		b := st.boxB.wait(t, "Checkout does not answer") // the mail server stamps whole seconds
		if late := b.At.Sub(due); late < -time.Second || late > 2*time.Second {
			t.Errorf("Ben's mail came %s after it was due", late)
		}
	})
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// acknowledge: what a mail scanner does to the link changes nothing, what a person does counts.
func (st *story) acknowledge(t *testing.T) {
	s := st.s
	var page string
	for _, method := range []string{"HEAD", "GET", "GET"} {
		req, err := http.NewRequest(method, st.ackLink, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(res.Body)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("%s of the link answers %d, %v\n%s", method, res.StatusCode, err, text(b.String()))
		}
		_ = res.Body.Close()
		page = b.String()
	}
	var p pageJSON
	s.api(st.token, "GET", "/pages/PAG-1", nil, &p)
	if p.State != "open" {
		t.Fatalf("following the link alone must not acknowledge; the page is %s", p.State)
	}
	link, err := url.Parse(st.ackLink)
	if err != nil {
		t.Fatal(err)
	}
	m := tokenField.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the page behind the link has no form:\n%s", page)
	}
	forged, err := http.PostForm("http://"+s.addr+link.Path, url.Values{"token": {m[1] + "x"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = forged.Body.Close()
	if forged.StatusCode/100 != 4 {
		t.Errorf("a forged token is answered with %d", forged.StatusCode)
	}
	res, err := http.PostForm("http://"+s.addr+link.Path, url.Values{"token": {m[1]}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	s.api(st.token, "GET", "/pages/PAG-1", nil, &p)
	if res.StatusCode != 200 || p.State != "acknowledged" || p.Via != "mail" || p.AcknowledgedBy == nil || p.AcknowledgedBy.ID != st.ana.ID || p.NextAt != nil {
		t.Fatalf("after the form was sent (%d) the page is %+v", res.StatusCode, p)
	}
	st.page = p
}

// amtool reads and adds alerts, with basic authentication in the URL.
func (st *story) amtool(t *testing.T) {
	bin := need(t, "amtool")
	s := st.s
	run := func(args ...string) string {
		out, err := exec.Command(bin, append(args, "--alertmanager.url=http://x:"+st.token+"@"+s.addr+"/alertmanager")...).CombinedOutput()
		if err != nil {
			t.Errorf("amtool %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := run("alert", "query", "alertname=CheckoutDown"); !strings.Contains(out, "CheckoutDown") || !strings.Contains(out, "Checkout does not answer") {
		t.Errorf("amtool does not see the alert:\n%s", out)
	}
	run("alert", "add", "alertname=AddedByHand", "severity=info", "--annotation=summary=By hand")
	if out := run("alert", "query", "-o", "extended", "severity=info"); !strings.Contains(out, "AddedByHand") {
		t.Errorf("amtool does not see what it added:\n%s", out)
	}
	if out := run("alert", "query", "severity=nothing"); strings.Contains(out, "CheckoutDown") {
		t.Errorf("the matcher does not narrow:\n%s", out)
	}
}

// count is how many deliveries of the template arrived for the page, and how many different ones.
func (h *hook) count(t testing.TB, page, template string) (all, different int) {
	t.Helper()
	ids := map[string]bool{}
	for _, d := range h.deliveries() {
		if p := readPayload(t, d); p.Mainstay.Page == page && p.Mainstay.Template == template {
			all++
			ids[p.Mainstay.Delivery] = true
		}
	}
	return all, len(ids)
}

// notMoreThan checks a receiver's own log: every message once, and one more for each crash at the most.
func (st *story) notMoreThan(t *testing.T, name string, all, different, want int) {
	t.Helper()
	if different != want || all < want || all > want+st.crashes {
		t.Errorf("%s got %d messages, %d of them different; want %d, and at most one duplicate for each of %d crashes", name, all, different, want, st.crashes)
	}
}

func links(refs []string, kind string) bool {
	return slices.ContainsFunc(refs, func(r string) bool { return strings.HasPrefix(r, kind+":") })
}

// handle: Ana declares the incident from the alert; it runs under the plan as it was then.
func (st *story) handle(t *testing.T) {
	s, ana, ben := st.s, st.ana, st.ben
	declared := time.Now()
	ana.api(t, "POST", "/incidents", map[string]any{"severity": "sev-2", "links": []string{st.alert.Number, st.page.Number}, "commander": "ana"}, &st.incident)
	i := &st.incident
	if i.Number != "INC-1" || i.Title != "Checkout does not answer" || i.State != "open" || i.Plan.Name != "checkout-down" || i.Plan.Version != 1 ||
		len(i.Steps) != 4 || i.Commander != ana.ID || !links(i.Links, "alert") || !links(i.Links, "page") {
		t.Fatalf("the incident is %+v", *i)
	}
	if d := i.Steps[0].Due; d == nil || d.Sub(declared) < 4*time.Minute || d.Sub(declared) > 6*time.Minute {
		t.Errorf("the first step is due at %v", d)
	}
	s.mainstay("apply", "-f", st.manifest(t, "title: Take command", "title: Take command and breathe"))
	var plan struct{ Version int64 }
	s.api(st.token, "GET", "/plans/checkout-down", nil, &plan)
	ana.api(t, "GET", "/incidents/INC-1", nil, i)
	if plan.Version != 2 || i.Plan.Version != 1 || i.Steps[0].Title != "Take command" {
		t.Errorf("the plan is at version %d; the incident runs under %d with %q", plan.Version, i.Plan.Version, i.Steps[0].Title)
	}
	ana.api(t, "POST", "/incidents/INC-1/severity", map[string]any{"severity": "sev-1"}, nil)
	ana.api(t, "POST", "/incidents/INC-1/roles", map[string]any{"role": "communications", "person": "ben"}, nil)
	ana.api(t, "POST", "/incidents/INC-1/steps/1/done", nil, nil)
	ana.refused(t, 422, "POST", "/incidents/INC-1/steps/3/skip", map[string]any{"reason": ""})
	ana.api(t, "POST", "/incidents/INC-1/steps/3/skip", map[string]any{"reason": "Nothing was deployed: there is nothing to roll back."}, nil)
	happened := st.failed.UTC().Truncate(time.Millisecond)
	ana.api(t, "POST", "/incidents/INC-1/notes", map[string]any{"text": "The **database** of orders ran out of connections.", "kind": "happened", "at": happened}, nil)
	ben.api(t, "GET", "/incidents/INC-1", nil, i)
	if i.Severity != "sev-1" || i.Steps[0].State != "done" || i.Steps[2].State != "skipped" || i.Phases["acknowledged"].IsZero() || i.Phases["started"].IsZero() {
		t.Errorf("the incident is %+v", *i)
	}
	if !slices.ContainsFunc(i.Roles, func(r struct{ Role, Person string }) bool { return r.Role == "communications" && r.Person == ben.ID }) {
		t.Errorf("the roles are %+v", i.Roles)
	}
	var lines listOf[struct {
		Kind, Text, Who string
		At, Recorded    time.Time
	}]
	ben.api(t, "GET", "/incidents/INC-1/timeline", nil, &lines)
	noted := false
	for _, l := range lines.Items {
		if l.Kind == "incident.noted" {
			noted = l.At.Equal(happened) && l.Recorded.After(declared) && strings.Contains(l.Text, "ran out of connections") && l.Who == "Ana Ruiz"
		}
	}
	if !noted {
		t.Errorf("the note must have happened at %s and be recorded later: %+v", happened, lines.Items)
	}
	if html := ben.page(t, "/incidents/INC-1"); !strings.Contains(html, "<strong>database</strong>") || !strings.Contains(html, "Nothing was deployed") {
		t.Errorf("the incident's page lacks the note or the reason:\n%s", text(html))
	}
}

// resolve: the target recovers, alert and page end, the incident is resolved, and its analysis is owed.
func (st *story) resolve(t *testing.T) {
	s := st.s
	st.target.set(false)
	eventually(t, 30*time.Second, "the alert is resolved", func() error {
		s.api(st.token, "GET", "/alerts/"+st.alert.Number, nil, &st.alert)
		if st.alert.State != "resolved" {
			return errNotYet
		}
		return nil
	})
	eventually(t, 10*time.Second, "Ana and Ben hear that it is over", func() error {
		s.api(st.token, "GET", "/pages/PAG-1", nil, &st.page)
		for _, h := range []*hook{st.hookA, st.hookB} {
			if n, _ := h.count(t, "PAG-1", "page.resolved"); n == 0 && !st.mail {
				return errNotYet
			}
		}
		if st.page.State != "resolved" {
			return errNotYet
		}
		return nil
	})
	if st.mail {
		l := st.boxA.wait(t, "Resolved:")
		if !strings.Contains(l.Text, "RESOLVED\nCheckout does not answer") {
			t.Errorf("the mail that it is over says\n%s", l.Text)
		}
		st.boxB.wait(t, "Resolved:")
	}
	st.ana.api(t, "POST", "/incidents/INC-1/steps/4/done", nil, nil)
	st.ana.api(t, "POST", "/incidents/INC-1/resolve", nil, &st.incident)
	if i := st.incident; i.State != "resolved" || i.ResolvedAt == nil {
		t.Fatalf("the incident is %+v", i)
	}
	st.publish(t, map[string]any{"incident": "INC-1", "template": "resolved", "components": map[string]string{"orders": "operational"}})
	eventually(t, 10*time.Second, "the status page says that it is over", func() error {
		var sum summaryJSON
		st.status(t, "/api/v2/summary.json", &sum)
		if sum.Status.Indicator != "none" || len(sum.Incidents) != 0 {
			return fmt.Errorf("it says %+v", sum)
		}
		return nil
	})
}
