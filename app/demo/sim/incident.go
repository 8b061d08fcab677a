package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// script is one incident being written.
type script struct {
	*planner
	*Trouble
	r        *rand.Rand
	key      string
	severity string
	fill     *strings.Replacer
	cause    int
	alerts   []string
	title    string
	owed     bool // an analysis, by its gravest severity

	began, declared, mitigated, restored, resolved time.Time
}

// trouble writes an incident from its first alert to its last word, and what follows from it. It returns when its alerts are over.
func (p *planner) trouble(i int, t time.Time, a Alert, grade string, r *rand.Rand) time.Time {
	c := &p.Causes[i]
	s := &script{planner: p, Trouble: c.Trouble, r: r, cause: i, began: t, severity: grade, fill: numbers(r, c), alerts: []string{a.Key}}
	if grade == "" {
		s.severity = c.Trouble.Severity[r.IntN(len(c.Trouble.Severity))]
	}
	titles := strings.Split(s.Title, "|")
	s.title = s.fill.Replace(titles[r.IntN(len(titles))])
	p.declared++
	s.key = fmt.Sprintf("i%d", p.declared)
	a.Summary, a.Description = s.fill.Replace(c.Summary), s.fill.Replace(c.Description)
	p.at(t, Fire{[]Alert{a}})
	for n, f := range c.Follow {
		f.Key, f.Summary, f.Description = p.key(), s.fill.Replace(f.Summary), s.fill.Replace(f.Description)
		if f.Instance == "" {
			f.Instance = f.Service + "-1"
		}
		at := t.Add(minutes(0.7 + float64(n) + 3*r.Float64()))
		p.at(at, Fire{[]Alert{f}})
		s.alerts = append(s.alerts, f.Key)
		if f.Severity != Notice {
			p.at(at.Add(minutes(2+2*r.Float64())), Ack{Alert: f.Key, Via: "web", Pick: r.IntN(8)})
		}
	}
	s.times()
	s.owed = s.grave()
	for n, k := range s.alerts[1:] {
		p.at(s.declared.Add(minutes(5.5+1.1*float64(n))), Link{Incident: s.key, Alert: k})
	}
	s.lead()
	s.work()
	s.tell()
	s.end()
	s.learn()
	return s.mitigated.Add(minutes(5))
}

// times sets the phases. A grave incident has more people and less time.
func (s *script) times() {
	ack := s.latency(s.r, s.began, false)
	if late := s.began.Add(minutes(14)); ack.After(late) && s.grave() {
		ack = late
	}
	s.at(ack, Ack{Alert: s.alerts[0], Via: via(s.r), Pick: s.r.IntN(8)})
	s.declared = ack.Add(minutes(1.5 + 4*s.r.Float64()))
	harm := lognormal(s.r, s.Minutes, 0.4)
	switch s.severity {
	case "sev-1":
		harm *= 0.8
	case "sev-4":
		harm *= 1.4
	}
	s.mitigated = s.declared.Add(minutes(min(max(harm, 9), 280)))
	s.restored = s.mitigated.Add(minutes(6 + 14*s.r.Float64()))
	s.resolved = s.restored.Add(minutes(2 + 9*s.r.Float64()))
}

func (s *script) grave() bool { return s.severity == "sev-1" || s.severity == "sev-2" }

// lead declares, gives the roles and goes through the plan.
func (s *script) lead() {
	s.at(s.declared, Declare{Incident: s.key, Title: s.title, Severity: s.severity, Services: s.Services, Alerts: s.alerts[:1], Began: s.began})
	s.at(s.declared.Add(minutes(0.5+s.r.Float64())), Step{Incident: s.key, Number: 1})
	if !s.grave() {
		s.at(s.declared.Add(minutes(6+22*s.r.Float64())), Step{Incident: s.key, Number: 2})
		return
	}
	roles := s.declared.Add(minutes(1 + s.r.Float64()))
	scribe := s.Team[s.r.IntN(len(s.Team))]
	for _, d := range []Role{{s.key, "communications", s.Teller}, {s.key, "expert", s.Expert}, {s.key, "scribe", scribe}} {
		s.at(roles, d)
	}
	s.at(roles.Add(minutes(1+4*s.r.Float64())), Step{Incident: s.key, Number: 2})
	decide := Step{Incident: s.key, Number: 4}
	if s.r.Float64() < 0.1 {
		decide.Skip = "There was nothing to choose between: only one way was left."
	}
	s.at(s.share(0.45+0.2*s.r.Float64()), decide)
	s.at(s.restored.Add(-minutes(1)), Step{Incident: s.key, Number: 5, By: scribe})
	if s.Public == "" {
		s.at(s.share(0.5), Step{Incident: s.key, Number: 3, Skip: "Users notice nothing of it."})
		s.at(s.restored, Step{Incident: s.key, Number: 6, Skip: "Users notice nothing of it."})
	}
}

// share is a moment between the declaration and the end of the harm.
func (s *script) share(x float64) time.Time {
	return s.declared.Add(time.Duration(x * float64(s.mitigated.Sub(s.declared))))
}

// work is what people see, decide and do.
func (s *script) work() {
	for i, n := range s.Notes {
		kind, text, _ := strings.Cut(n, "|")
		d := Note{Incident: s.key, Kind: kind, Text: s.fill.Replace(text)}
		if i > 0 && s.grave() && s.r.Float64() < 0.6 {
			d.By = s.Expert
		}
		at := s.share((float64(i) + 0.4 + 0.5*s.r.Float64()) / float64(len(s.Notes)+1))
		if kind == "happened" && s.r.Float64() < 0.4 {
			d.Ago = min(minutes(2+6*s.r.Float64()), at.Sub(s.began))
		}
		s.at(at, d)
	}
	if s.grave() && s.r.Float64() < 0.7 {
		task := []string{"Write to the customers who called", "Check the orders of the last hour by hand", "Stop the deploy train until this is over",
			"Keep the logs of the last two hours", "Tell the front desk what to say"}[s.r.IntN(5)]
		s.at(s.share(0.3), Task{Incident: s.key, Title: task})
		s.at(s.resolved.Add(minutes(3)), Task{Incident: s.key, Title: task, Done: true})
	}
	if s.r.Float64() < 0.12 {
		to := map[string]string{"sev-4": "sev-3", "sev-3": "sev-2", "sev-2": "sev-1", "sev-1": "sev-2"}[s.severity]
		s.at(s.share(0.25), Regrade{Incident: s.key, Severity: to})
		s.owed = s.owed || to < "sev-3"
	}
	for _, k := range s.alerts {
		s.at(s.mitigated.Add(minutes(1+3*s.r.Float64())), End{[]string{k}})
	}
}

// tell is the public side: a first word, what was found, a word whenever one is promised, a last one.
func (s *script) tell() {
	if s.Public == "" {
		return
	}
	every := map[string]int{"sev-1": 20, "sev-2": 30, "sev-3": 60, "sev-4": 120}[s.severity]
	first := s.declared.Add(minutes(4 + 9*s.r.Float64()))
	if !first.Before(s.mitigated) {
		first = s.share(0.4)
	}
	s.say(first, "investigating", s.Looking, every, s.Parts)
	last := first
	if found := s.share(0.5 + 0.15*s.r.Float64()); found.Sub(first) > 4*time.Minute {
		s.say(found, "identified", s.Found, every, s.Parts)
		last = found
	}
	for n := 0; n < 4; n++ {
		next := last.Add(minutes(float64(every) * (0.85 + 0.25*s.r.Float64())))
		if !next.Before(s.mitigated.Add(-minutes(3))) {
			break
		}
		s.say(next, "identified", s.Still, every, nil)
		last = next
	}
	var over []string
	for _, part := range s.Parts {
		name, _, _ := strings.Cut(part, "=")
		over = append(over, name+"=operational")
	}
	s.say(s.mitigated.Add(minutes(1+3*s.r.Float64())), "monitoring", s.Watching, every, over)
	done := s.restored.Add(minutes(0.5 + 1.4*s.r.Float64()))
	s.say(done, "resolved", s.Over, 0, over)
	if s.grave() {
		s.at(first.Add(30*time.Second), Step{Incident: s.key, Number: 3, By: s.Teller})
		s.at(done.Add(30*time.Second), Step{Incident: s.key, Number: 6, By: s.Teller})
	}
}

func (s *script) say(t time.Time, status string, texts []string, next int, parts []string) {
	d := Say{Incident: s.key, Status: status, Title: s.Public, Body: s.fill.Replace(texts[s.r.IntN(len(texts))]), Next: next, Parts: parts, Approver: s.Teller}
	if s.grave() {
		d.By = s.Teller
	}
	s.at(t, d)
}

// end resolves and closes. Now and then it was not over.
func (s *script) end() {
	s.at(s.mitigated, Mark{Incident: s.key, Phase: "mitigated"})
	s.at(s.restored, Mark{Incident: s.key, Phase: "restored"})
	s.at(s.resolved, Resolve{Incident: s.key})
	if s.r.Float64() < 0.05 {
		again := s.resolved.Add(minutes(40 + 90*s.r.Float64()))
		s.at(again, Reopen{Incident: s.key})
		s.at(again.Add(minutes(4)), Note{Incident: s.key, Kind: "happened", Text: "It came back for a few users: one of the copies still had the old state."})
		s.resolved = again.Add(minutes(25 + 20*s.r.Float64()))
		s.at(s.resolved, Resolve{Incident: s.key})
	}
	s.at(s.office(s.r, s.resolved.Add(days(0.7+2.5*s.r.Float64()))), Close{Incident: s.key})
}

// judge is somebody else than the given people.
func (s *script) judge(not ...string) string {
	for _, j := range s.Judges {
		if !slices.Contains(not, j) {
			return j
		}
	}
	return s.Teller
}

// secret is the one incident that the public must never hear of.
func (p *planner) secret() {
	if p.Private == nil {
		return
	}
	r := p.stream("private")
	t := p.office(r, p.from.Add(time.Duration((0.35+0.3*r.Float64())*float64(p.to.Sub(p.from)))))
	p.declared++
	s := &script{planner: p, Trouble: p.Private, r: r, key: fmt.Sprintf("i%d", p.declared), severity: p.Private.Severity[0], fill: strings.NewReplacer(), cause: -1, title: p.Private.Title}
	s.began, s.declared, s.owed = t.Add(-minutes(50)), t, true
	s.mitigated = t.Add(minutes(95))
	s.restored = s.mitigated.Add(minutes(30))
	s.resolved = s.restored.Add(minutes(20))
	by := p.Judges[0]
	p.at(t, Declare{Incident: s.key, Title: s.title, Severity: s.severity, Services: s.Services, Began: s.began, By: by, Private: true})
	p.at(t.Add(time.Minute), Step{Incident: s.key, Number: 1, By: by})
	p.at(t.Add(2*time.Minute), Role{s.key, "expert", s.Expert})
	for i, n := range s.Notes {
		kind, text, _ := strings.Cut(n, "|")
		p.at(s.share(float64(i+1)/float64(len(s.Notes)+1)), Note{Incident: s.key, By: s.Expert, Kind: kind, Text: text})
	}
	p.at(s.mitigated, Mark{Incident: s.key, By: s.Expert, Phase: "mitigated"})
	p.at(s.resolved, Resolve{Incident: s.key, By: by})
	p.at(p.office(r, s.resolved.Add(days(2))), Close{Incident: s.key, By: by})
	s.learn()
}
