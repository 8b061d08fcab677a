package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// assistant answers the shell: how far is the installation on its way to a first page that somebody sent to themselves?
type assistant struct{ a *App }

// assistantState is what the assistant remembers between its steps. What can be seen elsewhere is not in it.
type assistantState struct {
	Project string   `json:"project,omitempty"` // id
	Sealed  string   `json:"sealed,omitempty"`  // the intake key, so that its address can be shown again until the end
	Format  string   `json:"format,omitempty"`
	Skipped []string `json:"skipped,omitempty"`
	Tries   int      `json:"tries,omitempty"` // pages that were sent
	Ended   bool     `json:"ended,omitempty"`
}

var assistantSetting = setting.Setting[assistantState]{Name: "assistant"}

// firstLabel marks the alerts of the first page.
const firstLabel = "mainstay_first_page"

// site is what the steps find.
type site struct {
	assistantState
	me       people.Person
	project  project.Project
	services []project.Service
	onCall   bool
	policy   string // name of one that a route uses
	schedule string // name of one
	keys     []intake.Key
}

func (q assistant) look(ctx context.Context, v access.Viewer) (s site, err error) {
	a := q.a
	if s.assistantState, err = setting.Read(ctx, a.Settings, mainstay.Installation, assistantSetting); err != nil {
		return s, err
	}
	if s.me, err = a.People.ByID(ctx, v.PersonID); err != nil {
		return s, err
	}
	list, err := a.Projects.Projects(ctx)
	if err != nil || len(list) == 0 {
		return s, err
	}
	at := max(slices.IndexFunc(list, func(p project.Project) bool { return p.ID == s.Project }), 0)
	s.project = list[at]
	if s.services, err = a.Projects.Services(ctx, s.project.ID); err != nil {
		return s, err
	}
	on, err := a.Escalation.OnCallPeople(ctx, s.project.ID, a.cfg.Time.Now())
	if err != nil {
		return s, err
	}
	s.onCall = slices.Contains(on, v.PersonID)
	schedules, err := a.Escalation.Schedules(ctx, []string{s.project.ID}, time.Time{}, time.Time{})
	if err != nil {
		return s, err
	}
	if len(schedules) > 0 {
		s.schedule = schedules[0].Name
	}
	routes, err := a.Warning.Routes(ctx, s.project.ID)
	if err != nil {
		return s, err
	}
	for _, r := range routes {
		s.policy = cmp.Or(s.policy, r.Spec.Policy)
	}
	keys, err := a.Keys.List(ctx, s.project.ID, "", 100)
	s.keys = slices.DeleteFunc(keys, func(k intake.Key) bool { return !k.Revoked.IsZero() })
	return s, err
}

// usable are the ways over which pages reach the person now.
func (q assistant) usable(s site) (ways []string) {
	for _, c := range s.me.Contacts {
		if c.ForPages && c.Verified() && q.a.available(string(c.Channel)) == "" {
			ways = append(ways, string(c.Channel))
		}
	}
	return ways
}

// Steps implements web.Setup.
func (q assistant) Steps(ctx context.Context, v access.Viewer) ([]ui.SetupStep, error) {
	s, err := q.look(ctx, v)
	if err != nil {
		return nil, err
	}
	last, err := q.pageStep(ctx, s)
	if err != nil {
		return nil, err
	}
	steps := []ui.SetupStep{q.projectStep(s), q.contactStep(s), q.scheduleStep(s), q.policyStep(s), q.keyStep(s), last}
	for i := range steps {
		steps[i].Skipped = !steps[i].Done && slices.Contains(s.Skipped, steps[i].Word)
	}
	return steps, nil
}

func (q assistant) projectStep(s site) ui.SetupStep {
	st := ui.SetupStep{
		Word: "project", Title: "What you look after", Text: "A project is a product after its launch. A service is a part of it that can break on its own.", Button: "Create it",
		Fields: []ui.Field{
			{Name: "title", Label: "Project", Placeholder: "Web shop", Required: true, Max: 100, Autofocus: true},
			{Name: "service", Label: "Its first service", Placeholder: "Checkout", Required: true, Max: 100},
			{Name: "zone", Label: "Its time zone", Value: cmp.Or(s.me.Zone, "UTC"), Required: true, Max: 64},
		},
	}
	if s.project.ID != "" && len(s.services) > 0 {
		st.Done, st.Result, st.ResultURL, st.Button = true, s.project.Title()+", with "+ui.Plural(len(s.services), "service", "services"), "/projects/"+s.project.Name, ""
	} else if s.project.ID != "" {
		st.Fields[0].Value = s.project.Title()
	}
	return st
}

func (q assistant) contactStep(s site) ui.SetupStep {
	st := ui.SetupStep{
		Word: "contact", Title: "How you are reached", Text: "A page goes to every address that you mark for pages. Give at least one; two of different kinds are better.", Button: "Save", MaySkip: true,
		Fields: []ui.Field{
			{Name: "email", Label: "Mail address", Type: "email", Value: s.me.Email, Max: 254},
			{Name: "webhook", Label: "Webhook", Type: "url", Placeholder: "https://", Max: 2048, Hint: "Called with signed JSON. Good for a chat, or a phone app that takes webhooks."},
		},
		Ways: []ui.Act{{Label: "Connect this device instead", URL: "/me/devices"}},
	}
	if ways := q.usable(s); len(ways) > 0 {
		st.Done, st.Result, st.ResultURL = true, "by "+strings.Join(ways, " and "), "/me"
	}
	if why := q.a.available(string(people.Email)); why != "" {
		st.Trouble = "Mail does not work on this server: " + why + ". Give a webhook, or let this browser show your pages."
	} else if !st.Done {
		st.Trouble = "No address of yours can be used for pages yet."
	}
	return st
}

func (q assistant) scheduleStep(s site) ui.SetupStep {
	st := ui.SetupStep{
		Word: "schedule", Title: "Who is on call", Text: "A schedule says who has the pager when. It begins with you alone, week after week; add the others later.", MaySkip: true,
		Button: "Put me on call", Fields: []ui.Field{{Name: "name", Label: "Name of the schedule", Value: cmp.Or(s.schedule, "primary"), Required: true, Max: 63}},
	}
	if s.onCall {
		st.Done, st.Result, st.ResultURL = true, "you, now", "/schedules/"+s.schedule
	}
	return q.needs(st, s)
}

func (q assistant) policyStep(s site) ui.SetupStep {
	st := ui.SetupStep{
		Word: "policy", Title: "What happens when nobody answers", MaySkip: true, Button: "Save",
		Text:   "A policy pages the schedule first, and again after some minutes, until somebody acknowledges. A route sends what is critical into it.",
		Fields: []ui.Field{{Name: "minutes", Label: "Minutes until it asks again", Type: "number", Value: "5", Required: true, Max: 3}},
	}
	if s.policy != "" {
		st.Done, st.Result, st.ResultURL = true, "by the policy "+s.policy, "/policies/"+s.policy
	} else if s.schedule == "" {
		st.Trouble = "There is no schedule yet; the policy will page you by name."
	}
	return q.needs(st, s)
}

// needs leaves a step out of reach until there is a project.
func (q assistant) needs(st ui.SetupStep, s site) ui.SetupStep {
	if s.project.ID == "" {
		st.Button, st.Trouble = "", ""
	}
	return st
}

func (q assistant) keyStep(s site) ui.SetupStep {
	st := ui.SetupStep{
		Word: "key", Title: "What sends alerts", Text: "A key is the address at which alerts come in. Each sender has its own, so each can be taken away alone.", MaySkip: true, Button: "Make the key",
		Fields: []ui.Field{{Name: "format", Label: "What sends", Type: "select", Required: true, Options: []ui.Option{
			{Value: "alertmanager", Text: "Prometheus or Alertmanager"}, {Value: "generic", Text: "a script, or anything that speaks HTTP"},
		}}},
	}
	secret, err := q.a.Vault.Open(s.Sealed)
	if s.Sealed != "" && err == nil {
		st.Snippets = q.snippets(secret, s.Format)
	}
	if len(s.keys) > 0 {
		st.Done, st.Result, st.ResultURL = true, ui.Plural(len(s.keys), "key", "keys"), "/admin/keys"
	}
	return q.needs(st, s)
}

// snippets are what to put where, and a line to try it with.
func (q assistant) snippets(secret, format string) []ui.Snippet {
	base := q.a.external() + "/in/" + secret + "/" + format
	if format == "generic" {
		return []ui.Snippet{
			{Title: "An alert, and its end, from a script", Text: "curl -fsS -d summary='Disk is full on db-1' -d dedup=disk-db-1 -d severity=critical " + base +
				"\ncurl -fsS -d dedup=disk-db-1 -d action=close " + base},
		}
	}
	url := strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://")
	host, path, _ := strings.Cut(url, "/")
	scheme := "http"
	if strings.HasPrefix(base, "https://") {
		scheme = "https"
	}
	return []ui.Snippet{
		{Title: "In prometheus.yml: Prometheus sends here itself, beside any Alertmanager", Text: "alerting:\n  alertmanagers:\n  - scheme: " + scheme +
			"\n    path_prefix: /" + path + "\n    static_configs:\n    - targets: ['" + host + "']"},
		{Title: "Or in alertmanager.yml, as a receiver", Text: "receivers:\n- name: mainstay\n  webhook_configs:\n  - url: " + base + "/webhook\n    send_resolved: true"},
		{Title: "To try it", Text: "curl -fsS -H 'Content-Type: application/json' " + base + "/api/v2/alerts \\\n  -d '[{\"labels\": {\"alertname\": \"Trial\", \"severity\": \"critical\"}}]'"},
	}
}

// pageStep is the last one: a page to oneself, and what has become of it.
func (q assistant) pageStep(ctx context.Context, s site) (ui.SetupStep, error) {
	st := ui.SetupStep{
		Word: "page", Title: "Your first page", Button: "Page me now", MaySkip: false,
		Text: "A signal goes in through the key, becomes an alert, and pages you by the policy. Acknowledge it from the message, or on its page.",
	}
	if s.project.ID == "" || len(s.keys) == 0 || s.Sealed == "" {
		st.Button = ""
		st.Text += " It needs the key of the step before."
		return st, nil
	}
	if s.Tries == 0 {
		return st, nil
	}
	m, err := warning.NewMatcher(firstLabel, warning.Equal, fmt.Sprint(s.Tries))
	if err != nil {
		return st, err
	}
	alerts, _, err := q.a.Warning.List(ctx, warning.Query{Projects: []string{s.project.ID}, Match: []warning.Matcher{m}, Limit: 1})
	if err != nil {
		return st, err
	}
	st.Button = "Page me again"
	if len(alerts) == 0 {
		st.Progress = []ui.SetupMark{{State: ui.Warn("waiting"), Text: "The signal went in; no alert has come of it yet."}}
		return st, nil
	}
	al := alerts[0]
	st.Progress = []ui.SetupMark{
		{State: ui.Good("done"), Text: "The signal was taken in, and is an alert: " + al.Readable(), URL: "/alerts/" + al.Readable()},
	}
	pages, err := q.a.Escalation.PagesFor(ctx, al.Ref())
	if err != nil {
		return st, err
	}
	if len(pages) == 0 {
		st.Progress = append(st.Progress, ui.SetupMark{State: ui.Warn("waiting"), Text: "Nobody is paged for it: " + cmp.Or(al.Why, "no route sends it to a policy") + "."})
		return st, nil
	}
	return q.progress(ctx, st, pages[0])
}

// progress tells of a page what was sent, and whether somebody has it.
func (q assistant) progress(ctx context.Context, st ui.SetupStep, p escalation.Page) (ui.SetupStep, error) {
	st.Progress = append(st.Progress, ui.SetupMark{State: ui.Good("done"), Text: "It pages: " + p.Key(), URL: "/pages/" + p.Key()})
	sent, err := q.a.Notices.Deliveries(ctx, notify.Filter{Subject: p.Ref(), Limit: 20})
	if err != nil {
		return st, err
	}
	if len(sent) == 0 {
		st.Progress = append(st.Progress, ui.SetupMark{State: ui.Warn("waiting"), Text: "Nobody could be reached. " + p.EndReason})
	}
	for _, d := range sent {
		if d.Template != notify.TemplatePage {
			continue
		}
		mark := ui.SetupMark{Text: "Message by " + cmp.Or(d.Channel, "any way") + ": " + string(d.State)}
		switch d.State {
		case notify.Sent, notify.Confirmed:
			mark.State = ui.Good("done")
		case notify.Failed, notify.Suppressed:
			mark.State = ui.Crit("failed")
			mark.Text += ". " + cmp.Or(d.Reason, d.Error)
			st.Trouble = "A message did not get through. The line below says why; another address may do better."
			st.Ways = []ui.Act{{Label: "Change your addresses", URL: "/me/edit"}, {Label: "Connect this device", URL: "/me/devices"}}
		default:
			mark.State = ui.Info("under way")
			if d.Error != "" {
				mark.State = ui.Warn("trying again")
				mark.Text += ", trying again: " + d.Error
			}
		}
		st.Progress = append(st.Progress, mark)
	}
	if p.Acked.IsZero() {
		st.Progress = append(st.Progress, ui.SetupMark{State: ui.Info("waiting"), Text: "Now acknowledge it, from the message or here", URL: "/pages/" + p.Key()})
		return st, nil
	}
	st.Done, st.Trouble, st.Ways = true, "", nil
	st.Result, st.ResultURL = "acknowledged "+ui.Long(p.Acked.Sub(p.Opened))+" after it was opened", "/pages/"+p.Key()
	st.Progress = append(st.Progress, ui.SetupMark{State: ui.Good("done"), Text: "You acknowledged it. Nobody else was asked."})
	return st, nil
}

// Do implements web.Setup.
func (q assistant) Do(ctx context.Context, v access.Viewer, step string, values map[string]string) (string, error) {
	s, err := q.look(ctx, v)
	if err != nil {
		return "", err
	}
	if values["skip"] != "" {
		if !slices.Contains(s.Skipped, step) {
			s.Skipped = append(s.Skipped, step)
		}
		return "Skipped. It can be done here at any time.", q.remember(ctx, v, s)
	}
	do, ok := map[string]func(context.Context, access.Viewer, *site, map[string]string) (string, error){
		"finish": q.doFinish, "project": q.doProject, "contact": q.doContact, "schedule": q.doSchedule, "policy": q.doPolicy, "key": q.doKey, "page": q.doPage,
	}[step]
	if !ok {
		return "", mainstay.Errorf(mainstay.NotFound, "There is no such step.")
	}
	if step != "project" && step != "contact" && step != "finish" && s.project.ID == "" {
		return "", mainstay.Errorf(mainstay.Conflict, "Create the project first.")
	}
	said, err := do(ctx, v, &s, values)
	if err != nil {
		return "", err
	}
	s.Skipped = slices.DeleteFunc(s.Skipped, func(w string) bool { return w == step })
	return said, q.remember(ctx, v, s)
}

func (q assistant) remember(ctx context.Context, v access.Viewer, s site) error {
	return setting.Write(ctx, q.a.Settings, v.Actor, mainstay.Installation, assistantSetting, s.assistantState)
}

// slug is a name for manifests made of a title: "Web shop" becomes web-shop.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String()[:min(b.Len(), 60)], "-")
}

func (q assistant) doProject(ctx context.Context, v access.Viewer, s *site, values map[string]string) (string, error) {
	var f mainstay.Faults
	name, service := slug(values["title"]), slug(values["service"])
	if s.project.ID != "" && s.project.Title() == values["title"] {
		name = s.project.Name
	}
	if name == "" {
		f.Add("title", "Give it a name with at least one letter from a to z.")
	}
	if service == "" {
		f.Add("service", "Give it a name with at least one letter from a to z.")
	}
	if _, err := time.LoadLocation(values["zone"]); err != nil || values["zone"] == "" {
		f.Add("zone", "%q is not a time zone such as Europe/Lisbon or UTC.", values["zone"])
	}
	if err := f.Err(); err != nil {
		return "", err
	}
	if _, err := q.a.Projects.Define(ctx, v.Actor, name, project.Spec{Title: values["title"], Zone: values["zone"], Phase: project.Steady}); err != nil {
		return "", err
	}
	p, err := q.a.Projects.Project(ctx, name)
	if err != nil {
		return "", err
	}
	s.Project = p.ID
	if _, err := q.a.Projects.DefineService(ctx, v.Actor, p.ID, service, project.ServiceSpec{Title: values["service"]}); err != nil {
		return "", err
	}
	return p.Title() + " is under care.", nil
}

func (q assistant) doContact(ctx context.Context, v access.Viewer, s *site, values map[string]string) (string, error) {
	_, err := q.a.People.Change(ctx, v.Actor, v.PersonID, v.May(access.PeopleManage, ""), func(p *people.Person) error {
		for _, c := range []people.Contact{{Channel: people.Email, Address: values["email"], ForPages: true}, {Channel: people.Webhook, Address: values["webhook"], ForPages: true}} {
			if c.Address == "" {
				continue
			}
			at := slices.IndexFunc(p.Contacts, func(o people.Contact) bool { return o.Channel == c.Channel && o.Address == c.Address })
			if at >= 0 {
				p.Contacts[at].ForPages = true
				continue
			}
			p.Contacts = append(p.Contacts, c)
		}
		return nil
	})
	if faults := mainstay.ErrorFields(err); faults["contacts"] != "" {
		field := "email"
		if strings.Contains(faults["contacts"], "URL") {
			field = "webhook"
		}
		return "", mainstay.Faults{field: faults["contacts"]}.Err()
	}
	return "Saved how you are reached.", err
}

func (q assistant) doSchedule(ctx context.Context, v access.Viewer, s *site, values map[string]string) (string, error) {
	if s.onCall {
		return "You are on call already.", nil
	}
	name := slug(values["name"])
	if name == "" {
		return "", mainstay.Faults{"name": "Give it a name with at least one letter from a to z."}.Err()
	}
	spec := escalation.ScheduleSpec{
		Title: strings.ToUpper(name[:1]) + name[1:], Zone: cmp.Or(s.project.Spec.Zone, "UTC"),
		Layers: []escalation.LayerSpec{{Name: "weeks", Rotation: "weekly", Participants: []string{s.me.Name}}},
	}
	if _, err := q.a.Escalation.DefineSchedule(ctx, v.Actor, s.project.ID, name, spec); err != nil {
		return "", err
	}
	return "You are on call from now on.", nil
}

func (q assistant) doPolicy(ctx context.Context, v access.Viewer, s *site, values map[string]string) (string, error) {
	minutes := 0
	if _, err := fmt.Sscan(values["minutes"], &minutes); err != nil || minutes < 1 || minutes > 120 {
		return "", mainstay.Faults{"minutes": "Give a number from 1 to 120."}.Err()
	}
	first, again := "person:"+s.me.Name, []string{"person:" + s.me.Name}
	if s.schedule != "" {
		first, again = "schedule:"+s.schedule, []string{"schedule:" + s.schedule}
	}
	delay := fmt.Sprintf("%dm", minutes)
	spec := escalation.PolicySpec{Title: "Urgent", Steps: []escalation.StepSpec{{Targets: []string{first}}, {Delay: delay, Targets: again}}, Repeats: 2, RepeatAfter: delay}
	if _, err := q.a.Escalation.DefinePolicy(ctx, v.Actor, s.project.ID, "urgent", spec); err != nil {
		return "", err
	}
	_, err := q.a.Warning.Define(ctx, v.Actor, s.project.ID, "critical", warning.RouteSpec{Order: 10, Match: map[string]string{"severity": "critical"}, Policy: "urgent", Severity: "sev-1"})
	return "What is critical pages now.", err
}

func (q assistant) doKey(ctx context.Context, v access.Viewer, s *site, values map[string]string) (string, error) {
	format := values["format"]
	if s.Sealed != "" && s.Format == format {
		return "This key is there already; its address is below.", nil
	}
	service := ""
	if len(s.services) > 0 {
		service = s.services[0].ID
	}
	secret, err := q.a.Keys.Create(ctx, v.Actor, s.project.ID, service, format)
	if err != nil {
		return "", err
	}
	s.Format = format
	s.Sealed, err = q.a.Vault.Seal(secret)
	return "The key is made. Copy what you need; it is shown here until you finish.", err
}

// doPage sends a signal in at the front door, as any sender would.
func (q assistant) doPage(ctx context.Context, v access.Viewer, s *site, _ map[string]string) (string, error) {
	secret, err := q.a.Vault.Open(s.Sealed)
	if err != nil {
		return "", mainstay.Errorf(mainstay.Conflict, "Make a key first.")
	}
	s.Tries++
	now := q.a.cfg.Time.Now()
	labels := map[string]string{"alertname": "FirstPage", "severity": "critical", firstLabel: fmt.Sprint(s.Tries)}
	text := map[string]string{"summary": "Your first page", "description": "You sent this to yourself to see that pages reach you. It ends by itself in half an hour."}
	path, contentType := "/in/"+secret+"/alertmanager/api/v2/alerts", "application/json"
	body, err := json.Marshal([]any{map[string]any{"labels": labels, "annotations": text, "startsAt": now, "endsAt": now.Add(30 * time.Minute)}})
	if s.Format == "generic" {
		path = "/in/" + secret + "/generic"
		body, err = json.Marshal(map[string]any{"summary": text["summary"], "details": text["description"], "severity": "critical", "dedup": fmt.Sprint("first-page-", s.Tries), "labels": labels})
	}
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", contentType)
	req.RemoteAddr = "127.0.0.1:1"
	answer := &kept{header: http.Header{}}
	q.a.Handler().ServeHTTP(answer, req)
	if answer.status >= 300 {
		return "", mainstay.Errorf(mainstay.Unavailable, "The intake answered %d: %s", answer.status, strings.TrimSpace(answer.body.String()))
	}
	return "The signal is in. Below is what becomes of it.", nil
}

// kept is an answer in memory.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.status = cmp.Or(k.status, status) }

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) {
	k.status = cmp.Or(k.status, http.StatusOK)
	return k.body.Write(b)
}

var _ web.Setup = assistant{}

// doFinish forgets the key's address and no longer stands on Now.
func (q assistant) doFinish(_ context.Context, _ access.Viewer, s *site, _ map[string]string) (string, error) {
	s.Ended, s.Sealed = true, ""
	return "The assistant is done. The palette finds it again.", nil
}

// first says what to do first, on an installation where nothing is set up yet or the assistant was left half way.
func (a *App) first(ctx context.Context, v access.Viewer) (*ui.First, error) {
	if v.PersonID == "" || !v.MayAny(access.SettingManage) {
		return nil, nil //nolint:nilnil // nothing to propose
	}
	list, err := a.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &ui.First{
			Title: "Nothing is under care yet",
			Text:  "In a few minutes: a project, who is on call, and a first page that you send to yourself. Or describe all of it in a file and run mainstay apply.",
			Label: "Set up Mainstay", URL: "/welcome", Acts: []ui.Act{{Label: "Create a project only", URL: "/projects/new"}},
		}, nil
	}
	state, err := setting.Read(ctx, a.Settings, mainstay.Installation, assistantSetting)
	if err != nil || state.Project == "" || state.Ended {
		return nil, err
	}
	steps, err := assistant{a}.Steps(ctx, v)
	done := 0
	for _, s := range steps {
		if s.Done || s.Skipped {
			done++
		}
	}
	return &ui.First{
		Title: fmt.Sprintf("Setting up: %d of %d steps", done, len(steps)), Text: "It ends with a page that you send to yourself.", Label: "Go on", URL: "/welcome",
	}, err
}
