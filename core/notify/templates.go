package notify

import (
	"fmt"
	"strings"
)

func (s setting) page(d PageData) letter {
	state := join(" · ", drill(d.Drill), d.Severity, again(d))
	l := letter{
		Subject: join(" ", bracket(join(" ", drill(d.Drill), d.Severity)), d.Title, number(d.Number)),
		State:   first(state, "page"), Loud: true, Title: d.Title,
		Facts: []pair{
			{"Since", s.since(d.Since)}, {"Service", join(" in ", d.Service, d.Project)}, {"Incident", d.Incident},
			{"Why you", d.Why},
		},
		Text:  d.Summary,
		Links: []link{{"Acknowledge", d.AckURL}, {"Open " + first(d.Number, "the page"), d.URL}, {"What to do", d.Runbook}},
		Foot:  join(", ", d.Number, step(d)),
	}
	l.Facts = append(l.Facts, alertFacts(d.Alerts)...)
	if d.Reason != "" {
		l.Facts = append(l.Facts, pair{"Reason", d.Reason})
	}
	return l
}

func (s setting) pageResolved(d PageData) letter {
	took := ""
	if !d.Since.IsZero() && !d.Resolved.IsZero() && d.Resolved.After(d.Since) {
		took = ", after " + ago(d.Resolved.Sub(d.Since))
	}
	ended := ""
	if !d.Resolved.IsZero() {
		ended = s.at(d.Resolved) + took
	}
	return letter{
		Subject: join(" ", "Resolved:", bracket(join(" ", drill(d.Drill), d.Severity)), d.Title, number(d.Number)),
		State:   join(" · ", drill(d.Drill), "resolved"), Title: d.Title,
		Facts: []pair{
			{"Since", s.at(d.Since)}, {"Ended", ended}, {"Service", join(" in ", d.Service, d.Project)}, {"Reason", d.Reason},
		},
		Text:  d.Summary,
		Links: []link{{"Open " + first(d.Number, "the page"), d.URL}},
		Foot:  "You need not do anything. You were paged for it before.",
	}
}

func (s setting) incident(d IncidentData) letter {
	return letter{
		Subject: join(" ", d.Number, bracket(d.Severity), d.Title+after(": ", d.Event)),
		State:   join(" · ", d.Severity, d.State), Title: first(d.Event, d.Title),
		Facts: []pair{
			{"Incident", join(" ", d.Number, d.Title)}, {"Since", s.since(d.Since)}, {"Due", s.at(d.Due)}, {"By", d.By}, {"Project", d.Project},
		},
		Text:  d.Text,
		Links: []link{{"Open " + first(d.Number, "the incident"), d.URL}},
	}
}

func (s setting) invite(d LinkData) letter {
	return letter{
		Subject: first(d.By, "Somebody") + " invites you to Mainstay",
		Title:   first(d.By, "Somebody") + " invites you to Mainstay",
		Facts:   []pair{{"Valid until", s.at(d.Expires)}},
		Text:    hello(d.Name) + "Mainstay runs the support of your product: alerts, on-call, incidents and what is learnt from them. Choose a password to begin.",
		Links:   []link{{"Accept the invitation", d.URL}},
		Foot:    "If you do not know why you got this, you need not do anything.",
	}
}

func (s setting) reset(d LinkData) letter {
	return letter{
		Subject: "Choose a new Mainstay password", Title: "Choose a new password",
		Facts: []pair{{"Valid until", s.at(d.Expires)}},
		Text:  hello(d.Name) + "Somebody, most likely you, asked for a new password of your Mainstay account.",
		Links: []link{{"Choose a new password", d.URL}},
		Foot:  "If it was not you, you need not do anything: your password stays as it is.",
	}
}

func (s setting) verify(d LinkData) letter {
	return letter{
		Subject: join(" ", "Confirm this address for Mainstay", after(": ", d.Code)), Title: "Confirm this address",
		Facts: []pair{{"Code", d.Code}, {"Valid until", s.at(d.Expires)}},
		Text:  hello(d.Name) + "Mainstay will notify you here once you have confirmed the address.",
		Links: []link{{"Confirm", d.URL}},
		Foot:  "If you did not add this address to Mainstay, you need not do anything.",
	}
}

func (s setting) test(d LinkData) letter {
	return letter{
		Subject: "Test from Mainstay", State: "test", Title: "This is a test. It works.",
		Facts: []pair{{"Sent", s.at(s.now)}, {"By", d.By}},
		Text:  hello(d.Name) + "Mainstay can reach you here. There is nothing to do.",
		Links: []link{{"Your notifications", d.URL}},
	}
}

func (s setting) general(d GeneralData) letter {
	return letter{
		Subject: d.Title, Title: d.Title, Facts: []pair{{"Due", s.at(d.Due)}}, Text: d.Text,
		Links: []link{{first(d.Link, "Open"), d.URL}},
	}
}

// alertFacts shows one alert's labels, or says how many alerts there are.
func alertFacts(alerts []Alert) []pair {
	if len(alerts) == 0 {
		return nil
	}
	labels := alerts[0].Labels
	words := make([]string, 0, len(labels))
	for _, k := range sortedKeys(labels) {
		if k != "alertname" {
			words = append(words, k+"="+labels[k])
		}
	}
	list := []pair{{"Labels", cut(strings.Join(words, ", "), 400)}}
	if len(alerts) > 1 {
		list = append(list, pair{"Alerts", fmt.Sprintf("%d, the first shown", len(alerts))})
	}
	return list
}

func again(d PageData) string {
	if d.Repeat > 0 {
		return fmt.Sprintf("round %d", d.Repeat+1)
	}
	return ""
}

func step(d PageData) string {
	if d.Step == 0 {
		return ""
	}
	return join(" ", fmt.Sprintf("step %d", d.Step), after("of the policy ", d.Policy))
}

func drill(yes bool) string {
	if yes {
		return "DRILL"
	}
	return ""
}

func hello(name string) string {
	if name = oneLine(name); name == "" {
		return ""
	}
	return "Hello " + name + ",\n\n"
}

func bracket(s string) string {
	if s == "" {
		return ""
	}
	return "[" + s + "]"
}

func number(s string) string { return after("· ", s) }

func after(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// join puts the non-empty words together.
func join(sep string, words ...string) string {
	kept := words[:0:0]
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, sep)
}
