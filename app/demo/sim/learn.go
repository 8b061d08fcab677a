package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// learn is what follows from an incident: the analysis, its actions until their effect is proven, and an article.
func (s *script) learn() {
	h := s.known[s.cause]
	if h == nil {
		h = &history{}
	}
	h.incidents++
	soon := s.to.Sub(s.began) < 30*time.Hour // what happened last night is learned from this morning: that is what people look at
	if s.cause >= 0 && h.article == "" && s.severity != "sev-4" && (s.r.Float64() < 0.9 || soon) {
		h.article = "k/" + s.key
		at := s.office(s.r, s.resolved.Add(days(0.4+1.2*s.r.Float64())))
		if soon {
			at = s.resolved.Add(minutes(75))
		}
		h.written = at
		s.at(at, s.article(h.article))
	}
	if !s.owed && (h.incidents < 2 || s.r.Float64() < 0.5) {
		return
	}
	if len(s.Why) == 0 {
		return
	}
	written := s.office(s.r, s.resolved.Add(days(0.8+1.6*s.r.Float64())))
	if s.r.Float64() < 0.15 {
		written = s.office(s.r, written.Add(days(5))) // late
	}
	if soon {
		written = s.resolved.Add(minutes(38))
	}
	a := Analyse{
		Incident: s.key, By: s.Expert, Summary: s.summary(h.incidents), Happened: s.fill.Replace(s.Happened), Lessons: s.Lessons, Why: s.path(),
	}
	want := 1
	if h.incidents == 1 {
		want = 2
	}
	for ; want > 0 && h.fixes < len(s.Trouble.Fixes); want-- { // one at a time: nobody does ten
		a.Fixes = append(a.Fixes, s.fix(h, s.Trouble.Fixes[h.fixes], written))
		h.fixes++
	}
	if len(a.Fixes) == 0 && s.r.Float64() < 0.65 {
		f := smaller[s.r.IntN(len(smaller))]
		f.Owner, f.Node = s.Team[s.r.IntN(len(s.Team))], len(s.Why)-1
		a.Fixes = append(a.Fixes, s.fix(h, f, written))
		h.fixes++
	}
	s.at(written, a)
	sent := s.office(s.r, written.Add(minutes(50+300*s.r.Float64())))
	s.at(sent, Send{Incident: s.key, By: s.Expert})
	agreed := s.office(s.r, sent.Add(days(0.2+1.5*s.r.Float64())))
	judge := s.judge(s.Expert, s.Teller)
	s.at(agreed, Agree{Incident: s.key, By: judge})
	s.at(agreed.Add(minutes(20)), Publish{Incident: s.key, By: judge})
}

func (s *script) summary(times int) string {
	var why []string
	for _, w := range s.Why {
		why = append(why, s.fill.Replace(w.Text))
	}
	text := fmt.Sprintf("%s. From the first alert until the harm was stopped it took %d minutes. ", s.title, int(s.mitigated.Sub(s.began).Minutes()))
	switch len(why) {
	case 1:
		text += why[0] + "."
	case 2:
		text += why[0] + ". Behind it: " + lower(why[1]) + "."
	default:
		text += why[0] + "; " + lower(why[1]) + ". Behind both: " + lower(why[len(why)-1]) + "."
	}
	if times > 1 {
		text += " " + []string{"We have had this before: what was to prevent it was not done yet, or did not reach far enough.",
			fmt.Sprintf("It is the %s time. The action from the first one counts, not another one.", ordinal(times)),
			"The article from the time before shortened it; it did not prevent it."}[s.r.IntN(3)]
	}
	return text
}

func ordinal(n int) string {
	words := []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}
	if n <= len(words) {
		return words[n-1]
	}
	return fmt.Sprintf("%dth", n)
}

// path is the graph with, often, a second piece for what has only one.
func (s *script) path() []Why {
	list := slices.Clone(s.Why)
	for i, w := range list {
		list[i].Text = s.fill.Replace(w.Text)
		list[i].Evidence = slices.Clone(w.Evidence)
		for n := range list[i].Evidence {
			list[i].Evidence[n].Text = s.fill.Replace(list[i].Evidence[n].Text)
		}
		if len(w.Evidence) == 1 && s.r.Float64() < 0.7 {
			more := []Evidence{{"interview", "Two people who were not there that day say the same, asked apart", ""}, {"timeline", "It was so the times before, too", ""},
				{"doc", "Nothing in the handbook says otherwise", ""}}
			list[i].Evidence = append(list[i].Evidence, more[s.r.IntN(len(more))])
		}
	}
	return list
}

// article is what somebody who has the same needs: how to know it, what it comes from, what to do, and why that works.
func (s *script) article(key string) Write {
	c := &s.Causes[s.cause]
	title := s.Public
	for _, t := range strings.Split(s.Title, "|") {
		if !strings.Contains(t, "{") {
			title = t
			break
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Symptom\n\n%s: %s\n\nUsers notice: %s\n\n## Environment\n\n", s.fill.Replace(c.Summary), s.fill.Replace(c.Description), firstSentence(s.Looking))
	fmt.Fprintf(&b, "Service `%s`, alert `%s`.\n\n## Cause\n\n", c.Service, c.Alert)
	for _, w := range s.Why {
		b.WriteString("- " + s.fill.Replace(w.Text) + "\n")
	}
	b.WriteString("\n## Resolution\n\n")
	n := 0
	for _, note := range s.Notes {
		kind, text, _ := strings.Cut(note, "|")
		if n++; kind == "happened" {
			b.WriteString(fmt.Sprintf("%d. Check that it is this. The time before: %s\n", n, s.fill.Replace(text)))
		} else {
			b.WriteString(fmt.Sprintf("%d. %s\n", n, s.fill.Replace(text)))
		}
	}
	fmt.Fprintf(&b, "\n## Why it works\n\n%s\n", s.Lessons)
	return Write{Article: key, Incident: s.key, By: s.Expert, Title: title, Text: b.String()}
}

func firstSentence(texts []string) string {
	if len(texts) == 0 {
		return "nothing."
	}
	text, _, _ := strings.Cut(texts[0], ". ")
	return lower(strings.TrimSuffix(text, ".")) + "."
}

// smaller are the actions that are asked for when the large ones are under way already.
var smaller = []Fix{
	{Title: "Drill it with the people who were not there", Proof: "The record of the drill, with its times.", Days: 24},
	{Title: "Say in the alert itself what to do first", Proof: "The alert's text names the article.", Days: 8},
	{Title: "Bring the figure onto the wall", Proof: "It is on the dashboard that the crew opens in the morning.", Days: 11},
	{Title: "Halve the time until the alert fires", Proof: "It fires within two minutes in a test.", Days: 15},
	{Title: "Go through the steps with the second line", Proof: "Two of them have done it alone, in a drill.", Days: 28},
	{Title: "Ask the vendor for a way to be told at once", Proof: "A test message arrives.", Days: 21},
	{Title: "Have the text for users ready and approved", Proof: "A template that is approved.", Days: 9},
}

// lower begins a sentence within another.
func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' && s[0] >= 'A' && s[0] <= 'Z' {
		return string(s[0]+'a'-'A') + s[1:]
	}
	return s
}

// fix writes the life of a corrective action: accepted, done (perhaps late, perhaps never), in place, effective or not.
func (s *script) fix(h *history, f Fix, asked time.Time) Corrective {
	c := Corrective{Key: fmt.Sprintf("%s/%d", s.key, h.fixes), Title: f.Title, Proof: f.Proof, Owner: f.Owner, Node: f.Node}
	due := asked.AddDate(0, 0, 30)
	if s.severity == "sev-1" {
		due = asked.AddDate(0, 0, 15)
	}
	accepted := s.office(s.r, asked.Add(days(0.2+2*s.r.Float64())))
	s.at(accepted, Move{Action: c.Key, By: f.Owner, To: "accepted"})
	done := s.office(s.r, accepted.Add(days(lognormal(s.r, f.Days, 0.55))))
	dice := s.r.Float64()
	if dice < 0.14 { // something else is always more urgent
		done = s.office(s.r, due.AddDate(0, 0, 20+s.r.IntN(90)))
	}
	if dice > 0.14 && dice < 0.2 {
		s.at(s.office(s.r, asked.Add(days(12))), Move{Action: c.Key, By: s.judge(f.Owner), To: "dropped", Verdict: "The next version of this part makes it unnecessary."})
		return c
	}
	if done.After(due) && dice > 0.2 && dice < 0.5 {
		s.at(s.office(s.r, due.AddDate(0, 0, -2)), Delay{Action: c.Key, By: f.Owner, Due: done.AddDate(0, 0, 2)})
	}
	s.at(done, Move{Action: c.Key, By: f.Owner, To: "done"})
	placed := s.office(s.r, done.Add(days(1+3*s.r.Float64())))
	s.at(placed, Move{Action: c.Key, By: f.Owner, To: "in_place"})
	judge := s.judge(f.Owner)
	if dice > 0.9 { // it did not help: it goes round again
		found := s.office(s.r, placed.Add(days(9+10*s.r.Float64())))
		s.at(found, Move{Action: c.Key, By: judge, To: "ineffective", Verdict: "It fired again for the same reason, with the change in place."})
		s.at(s.office(s.r, found.Add(days(1))), Move{Action: c.Key, By: f.Owner, To: "accepted"})
		done = s.office(s.r, found.Add(days(10+12*s.r.Float64())))
		s.at(done, Move{Action: c.Key, By: f.Owner, To: "done"})
		placed = s.office(s.r, done.Add(days(2)))
		s.at(placed, Move{Action: c.Key, By: f.Owner, To: "in_place"})
	}
	s.at(s.office(s.r, placed.Add(days(22+16*s.r.Float64()))), Move{Action: c.Key, By: judge, To: "effective", Verdict: "Quiet since, although what caused it has come " + []string{"three", "four", "six", "nine"}[s.r.IntN(4)] + " times."})
	if f.Mends && (h.mended.IsZero() || done.Before(h.mended)) {
		h.mended = done
	}
	return c
}
