package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// receipt is one message as its receiver has it.
type receipt struct {
	At           time.Time
	ID           string // of the notification, the same at each attempt
	Channel      string
	Person       string // handle
	Template     string // page, page.resolved or incident
	Page         string // PAG-3; "" for messages about incidents
	Step, Repeat int
	Alerts       []int // their label n
	AckURL       string
}

// slack is how much later than a kill a receiver may note what was sent before it.
func (r receipt) slack() time.Duration {
	if r.Channel == "email" {
		return 3 * time.Second // the mail server notes seconds
	}
	return 500 * time.Millisecond
}

// received are the receipts of the webhooks, by the time of arrival at each.
func (k *trial) received() []receipt {
	var list []receipt
	for person, h := range k.hooks {
		for _, d := range h.deliveries() {
			var b struct {
				Alerts   []struct{ Labels map[string]string }
				Mainstay struct {
					Template, Page, AckURL string
					Data                   struct{ Step, Repeat int }
				}
			}
			if err := json.Unmarshal(d.Body, &b); err != nil {
				continue // checkPages counts it as a message without a template
			}
			r := receipt{
				At: d.At, ID: d.Header.Get("Mainstay-Delivery"), Channel: "webhook", Person: person, Template: b.Mainstay.Template,
				Page: b.Mainstay.Page, Step: b.Mainstay.Data.Step, Repeat: b.Mainstay.Data.Repeat, AckURL: b.Mainstay.AckURL,
			}
			for _, a := range b.Alerts {
				n, _ := strconv.Atoi(a.Labels["n"])
				r.Alerts = append(r.Alerts, n)
			}
			list = append(list, r)
		}
	}
	return list
}

var (
	inSubject = regexp.MustCompile(`· (PAG-\d+)$`)
	stepWord  = regexp.MustCompile(`step (\d+)`)
	roundWord = regexp.MustCompile(`round (\d+)`) // beside the severity
)

// mails are the receipts of the mailbox, read over IMAP.
func (k *trial) mails() []receipt {
	if k.box == nil {
		return nil
	}
	var list []receipt
	for _, l := range k.box.read(k.t) {
		page := inSubject.FindStringSubmatch(l.Subject)
		if page == nil {
			continue
		}
		r := receipt{At: l.At, ID: l.ID, Channel: "email", Person: "cleo", Template: "page", Page: page[1]}
		if strings.HasPrefix(l.Subject, "Resolved:") {
			r.Template = "page.resolved"
		} else if m := stepWord.FindStringSubmatch(l.Text); m != nil {
			r.Step, _ = strconv.Atoi(m[1])
		}
		if m := roundWord.FindStringSubmatch(l.HTML); m != nil {
			r.Repeat, _ = strconv.Atoi(m[1])
			r.Repeat--
		}
		list = append(list, r)
	}
	return list
}

// everything asks a list of the API page by page.
func everything[T any](k *trial, path string) []T {
	k.t.Helper()
	var all []T
	for cursor := ""; ; {
		var list struct {
			Items []T
			Next  string
		}
		if err := k.call(k.t.Context(), 0, "GET", path+"?limit=100&cursor="+url.QueryEscape(cursor), nil, &list); err != nil {
			k.t.Fatal(err)
		}
		all = append(all, list.Items...)
		if cursor = list.Next; cursor == "" {
			return all
		}
	}
}

// checkAlerts finds every accepted alert exactly once, in the state that its sender was told.
func (k *trial) checkAlerts() {
	type row struct {
		Labels map[string]string
		State  string
	}
	rows := map[int][]row{}
	for _, a := range everything[row](k, "/alerts") {
		n, _ := strconv.Atoi(a.Labels["n"])
		rows[n] = append(rows[n], a)
	}
	accepted, ended, doubt := 0, 0, 0
	for _, a := range k.alerts {
		found := rows[a.N]
		delete(rows, a.N)
		switch {
		case !a.Accepted && len(found) > 1 || a.Accepted && len(found) != 1:
			k.t.Errorf("alert %d (accepted %t) is there %d times: %+v", a.N, a.Accepted, len(found), found)
			continue
		case !a.Accepted:
			doubt++
			continue
		}
		accepted++
		switch state := found[0].State; {
		case a.Ended && state != "resolved":
			k.t.Errorf("the end of alert %d was accepted, and it is %s", a.N, state)
		case a.Over.IsZero() && state != "firing":
			k.t.Errorf("alert %d is %s though nobody ended it", a.N, state)
		case a.Ended:
			ended++
		}
	}
	if len(rows) > 0 {
		k.t.Errorf("alerts that nobody sent: %v", rows)
	}
	k.t.Logf("alerts: %d accepted, %d of them ended, all there once; %d without an answer", accepted, ended, doubt)
}

// checkPages compares what reached people with what the senders and the acknowledger know.
func (k *trial) checkPages() {
	got := append(k.received(), k.mails()...)
	slices.SortStableFunc(got, func(a, b receipt) int { return a.At.Compare(b.At) })
	for _, d := range got {
		if d.ID == "" || d.Template == "" || d.Template != "incident" && d.Page == "" || d.Template == "page" && d.Step == 0 {
			k.t.Errorf("a message that says too little: %+v", d)
		}
	}
	k.checkDuplicates(got)
	k.checkReached(got)
	k.checkAcknowledged(got)
}

// crashesBetween finds the crashes in a stretch of time.
func (k *trial) crashesBetween(from, until time.Time) (list []int) {
	for i, c := range k.crashes {
		if !c.At.Before(from) && !c.At.After(until) {
			list = append(list, i)
		}
	}
	return list
}

// checkDuplicates lets each notification come once, and once more only for a crash between the two.
func (k *trial) checkDuplicates(got []receipt) {
	last, meaning := map[string]receipt{}, map[string]string{}
	var causes [][]int // of each duplicate, the crashes that may have made it
	for _, d := range got {
		what := fmt.Sprintf("%s of %s to %s by %s, step %d, round %d", d.Template, d.Page, d.Person, d.Channel, d.Step, d.Repeat)
		if id := meaning[what]; id != "" && id != d.ID && d.Page != "" {
			k.t.Errorf("two notifications say the same: %s", what)
		}
		meaning[what] = d.ID
		if before, twice := last[d.ID]; twice {
			lag, rounded := 500*time.Millisecond, time.Duration(0)
			if d.Channel == "email" {
				lag, rounded = time.Second, time.Second
			}
			crashes := k.crashesBetween(before.At.Add(-lag), d.At.Add(rounded))
			if len(crashes) == 0 {
				k.t.Errorf("%s came twice without a crash between %s and %s", what, before.At.Format("15:04:05.000"), d.At.Format("15:04:05.000"))
			}
			causes = append(causes, crashes)
			k.t.Logf("crash %v: %s came at %s and at %s", crashes, what, before.At.Format("15:04:05.000"), d.At.Format("15:04:05.000"))
		}
		last[d.ID] = d
	}
	if len(causes) > len(k.crashes) {
		k.t.Errorf("%d duplicates in %d crashes", len(causes), len(k.crashes))
	}
	k.t.Logf("notifications: %d different ones, %d duplicates in %d crashes; %d of them each have a crash of their own",
		len(last), len(causes), len(k.crashes), matched(causes))
}

// matched counts how many duplicates can be given a crash of their own.
func matched(causes [][]int) (n int) {
	of := map[int]int{} // crash: duplicate
	var give func(d int, tried map[int]bool) bool
	give = func(d int, tried map[int]bool) bool {
		for _, c := range causes[d] {
			if tried[c] {
				continue
			}
			tried[c] = true
			if other, taken := of[c]; !taken || give(other, tried) {
				of[c] = d
				return true
			}
		}
		return false
	}
	for d := range causes {
		if give(d, map[int]bool{}) {
			n++
		}
	}
	return n
}

// checkReached finds every accepted alert that wakes somebody at its receiver, and, where nobody acknowledged or ended it, every
// step of every round. An alert whose end was sent may have been over before anybody was told.
func (k *trial) checkReached(got []receipt) {
	type told struct {
		page string
		seen map[string]bool
	}
	of := map[int]*told{}
	byPage := map[string]*told{}
	for _, d := range got {
		if d.Template != "page" {
			continue
		}
		p := byPage[d.Page]
		if p == nil {
			p = &told{page: d.Page, seen: map[string]bool{}}
			byPage[d.Page] = p
		}
		p.seen[fmt.Sprintf("%s step %d round %d", d.Person, d.Step, d.Repeat)] = true
		for _, n := range d.Alerts {
			of[n] = p
		}
	}
	reached, whole, early := 0, 0, 0
	for _, a := range k.alerts {
		p := of[a.N]
		switch {
		case !a.Wakes && p != nil:
			k.t.Errorf("alert %d woke somebody", a.N)
		case !a.Wakes || !a.Accepted:
		case p == nil && a.Over.IsZero():
			k.t.Errorf("alert %d was accepted and reached nobody", a.N)
		case p == nil:
			early++
		case a.Over.IsZero() && k.acks[p.page] == nil:
			whole++
			for _, want := range k.climb() {
				if !p.seen[want] {
					k.t.Errorf("%s was never answered, and %s never came (alert %d)", p.page, want, a.N)
				}
			}
			fallthrough
		default:
			reached++
		}
	}
	k.t.Logf("pages: %d alerts reached somebody, %d of them climbed to the end unanswered, %d were over before", reached, whole, early)
}

// climb is what an unanswered page comes to.
func (k *trial) climb() []string {
	var list []string
	for round := range rounds {
		for step := range steps {
			who := []string{"ana"}
			if step == 1 {
				who = []string{"ben"}
				if k.box != nil {
					who = append(who, "cleo")
				}
			}
			for _, w := range who {
				list = append(list, fmt.Sprintf("%s step %d round %d", w, step+1, round))
			}
		}
	}
	return list
}

// checkAcknowledged finds every accepted acknowledgement, and nothing that was planned after it. What was on its way may come a
// moment later, and once more only after a crash.
func (k *trial) checkAcknowledged(got []receipt) {
	type page struct {
		Number, State           string
		AcknowledgedAt, EndedAt *time.Time
		Log                     []struct {
			At           time.Time
			Step, Repeat int
		}
	}
	pages := map[string]page{}
	for _, p := range everything[page](k, "/pages") {
		pages[p.Number] = p
		if p.State == "open" {
			k.t.Errorf("%s is still open", p.Number)
		}
	}
	over := map[string]bool{} // an alert's end was sent
	for _, d := range got {
		for _, n := range d.Alerts {
			over[d.Page] = over[d.Page] || n > 0 && !k.alerts[n-1].Over.IsZero()
		}
	}
	accepted, tooLate, late := 0, 0, 0
	for number, a := range k.acks {
		p := pages[number]
		if a.At.IsZero() {
			continue
		}
		accepted++
		switch {
		case p.AcknowledgedAt == nil && p.EndedAt != nil && p.EndedAt.Before(a.At) && over[number]: // nothing was left to take on
			tooLate++
		case p.AcknowledgedAt == nil || p.State != "acknowledged" && p.State != "resolved":
			k.t.Errorf("%s was acknowledged by %s, and is %s", number, a.Via, p.State)
		}
		for _, t := range p.Log {
			if t.At.After(a.At) {
				k.t.Errorf("%s was acknowledged at %s and took step %d at %s", number, a.At, t.Step, t.At)
			}
		}
		for _, d := range got {
			if d.Page != number || d.Template != "page" || !d.At.After(a.At.Add(time.Second+d.slack())) {
				continue
			}
			late++
			if len(k.crashesBetween(a.At.Add(-time.Second), d.At)) == 0 {
				k.t.Errorf("%s was acknowledged at %s, and without a crash between came %+v", number, a.At, d)
			}
		}
	}
	if late > len(k.crashes) {
		k.t.Errorf("%d messages came late after an acknowledgement, in %d crashes", late, len(k.crashes))
	}
	k.t.Logf("acknowledgements: %d accepted of %d (%d when it was over), all kept; %d messages came again after a crash though acknowledged",
		accepted, len(k.acks), tooLate, late)
}

// checkIncidents finds every incident, note, step and public update that was accepted.
func (k *trial) checkIncidents() {
	notes, done, posts := 0, 0, 0
	for _, i := range k.incidents {
		var got struct {
			Title, State string
			Steps        []struct {
				Number int
				State  string
			}
		}
		if err := k.call(k.t.Context(), 0, "GET", "/incidents/"+i.Number, nil, &got); err != nil {
			k.t.Errorf("%s: %v", i.Number, err)
			continue
		}
		if got.Title != i.Title || i.Resolved && got.State != "resolved" && got.State != "closed" {
			k.t.Errorf("%s %q (resolved %t) is %+v", i.Number, i.Title, i.Resolved, got)
		}
		for _, n := range i.Steps {
			done++
			if got.Steps[n-1].State != "done" {
				k.t.Errorf("step %d of %s was done and is %s", n, i.Number, got.Steps[n-1].State)
			}
		}
		count := map[string]int{}
		for _, l := range everything[struct{ Text string }](k, "/incidents/"+i.Number+"/timeline") {
			count[l.Text]++
		}
		for _, text := range i.Notes {
			notes++
			if count[text] != 1 {
				k.t.Errorf("the note %q of %s is there %d times", text, i.Number, count[text])
			}
		}
		posts += len(i.Posts)
	}
	k.checkStatusPage()
	k.t.Logf("incidents: %d with %d notes, %d steps and %d public updates, all there", len(k.incidents), notes, done, posts)
}

// checkStatusPage finds every update that was approved where users read it, once.
func (k *trial) checkStatusPage() {
	eventually(k.t, 10*time.Second, "the status page shows every update", func() error {
		req, err := http.NewRequestWithContext(k.t.Context(), "GET", "http://"+k.s.status+"/api/v2/incidents.json", nil)
		if err != nil {
			return err
		}
		var page struct {
			Incidents []struct {
				Name    string
				Updates []struct{ Body string } `json:"incident_updates"`
			}
		}
		if err := k.do(req, &page); err != nil {
			return err
		}
		count := map[string]int{}
		for _, i := range page.Incidents {
			for _, u := range i.Updates {
				count[u.Body]++
			}
		}
		for _, i := range k.incidents {
			for _, text := range i.Posts {
				if count[text] != 1 {
					return fmt.Errorf("%q of %s is there %d times", text, i.Number, count[text])
				}
			}
		}
		return nil
	})
}

// checkServer has the journal verified and looks for what must never be in the log.
func (k *trial) checkServer() {
	if out, err := k.s.try("journal", "verify"); err != nil {
		k.t.Errorf("mainstay journal verify: %v %s", err, out)
	}
	b, err := os.ReadFile(k.s.out.Name())
	if err != nil {
		k.t.Fatal(err)
	}
	faults := 0
	for line := range strings.SplitSeq(string(b), "\n") {
		if strings.Contains(line, "panic: ") || strings.Contains(line, "a fact is parked") {
			k.t.Errorf("the server says: %s", line)
		}
		if strings.Contains(line, "level=ERROR") {
			if faults++; faults <= 5 {
				k.t.Logf("the server says: %s", line)
			}
		}
	}
	k.t.Logf("the journal is whole; %d errors in the log", faults)
}
