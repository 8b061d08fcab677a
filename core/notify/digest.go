package notify

import (
	"fmt"

	"github.com/mainstayhq/mainstay/core/people"
)

// digest is the summary of what is a person's own.
func (s setting) digest(d people.Summary) letter {
	title := "Your day"
	if d.Weekly {
		title = "Your week"
	}
	l := letter{
		Subject: title + " with Mainstay", Title: title, Foot: "You asked for this summary. What it tells, and when it comes, is yours to choose.",
		Links: []link{{"Open Mainstay", "/"}, {"Choose what you get", d.URL}},
	}
	n := 0
	for _, x := range d.Sections {
		g := group{Title: x.Title}
		for _, y := range x.Lines {
			g.Lines = append(g.Lines, line{Text: y.Text, Note: join(", ", s.at(y.At), y.Note), URL: y.URL})
		}
		if x.More > 0 {
			g.More = fmt.Sprintf("and %d more", x.More)
		}
		l.Groups = append(l.Groups, g)
		n += len(x.Lines) + x.More
	}
	if n == 0 {
		l.Text = "Nothing of yours is due, and nothing is open."
	} else {
		l.Subject = fmt.Sprintf("%s: %d things", l.Subject, n)
		if n == 1 {
			l.Subject = title + " with Mainstay: 1 thing"
		}
	}
	return l
}

// groups cleans what a digest tells, and makes its links absolute.
func (s setting) groups(list []group) []group {
	for i := range list {
		list[i].Title = cut(oneLine(list[i].Title), 200)
		for j := range list[i].Lines {
			x := &list[i].Lines[j]
			x.Text, x.Note, x.URL = cut(oneLine(x.Text), 300), cut(oneLine(x.Note), 200), s.link(x.URL)
		}
	}
	return list
}
