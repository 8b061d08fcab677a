package maintenance

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/project"
)

// longest is how long a window may be.
const longest = 31 * 24 * time.Hour

// resolve checks a spec and turns its names into ids. Faults are told by field.
func (s *Service) resolve(ctx context.Context, in, name string, spec WindowSpec) (Window, error) {
	if in == "" {
		in = mainstay.Installation
	}
	var f mainstay.Faults
	w := Window{Project: in, Name: name, Title: strings.TrimSpace(spec.Title), Text: strings.TrimSpace(spec.Text), ByHand: spec.Finish == "hand"}
	if says := project.CheckName(name); name != "" && says != "" {
		f.Add("name", "%s", says)
	}
	if w.Title == "" || utf8.RuneCountInString(w.Title) > 200 {
		f.Add("title", "say in 1 to 200 characters what is done, in the users' words")
	}
	if utf8.RuneCountInString(w.Text) > 5000 {
		f.Add("text", "at most 5,000 characters")
	}
	if spec.Finish != "" && spec.Finish != "auto" && spec.Finish != "hand" {
		f.Add("finish", "auto or hand")
	}
	w.From, w.Until = parseTime(&f, "from", spec.From), parseTime(&f, "until", spec.Until)
	switch {
	case w.From.IsZero() || w.Until.IsZero():
	case !w.Until.After(w.From):
		f.Add("until", "it must lie after the beginning")
	case w.Until.Sub(w.From) > longest:
		f.Add("until", "a window lasts at most 31 days")
	}
	for _, u := range spec.Updates {
		if checkText(strings.TrimSpace(u.Text), true) != nil {
			f.Add("updates", "each update has a text of at most 5,000 characters")
		}
	}
	services, components, err := s.Choices(ctx, in)
	if err != nil {
		return w, err
	}
	w.Services = ids(&f, "services", "service", spec.Services, services)
	w.Components = ids(&f, "components", "component", spec.Components, components)
	return w, f.Err()
}

func parseTime(f *mainstay.Faults, field, s string) time.Time {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
	if err != nil {
		f.Add(field, "a time with its offset, such as 2026-03-22T04:00:00+01:00")
		return time.Time{}
	}
	if t.Year() > 9998 || t.Year() < 2000 {
		f.Add(field, "between the years 2000 and 9998")
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// ids finds names (or ids) among the choices, in a stable order.
func ids(f *mainstay.Faults, field, what string, names []string, choices []Named) []string {
	list := []string{}
	for _, n := range names {
		i := slices.IndexFunc(choices, func(c Named) bool { return c.Name == n || c.ID == n })
		if i < 0 {
			f.Add(field, "there is no %s %.60q in this project", what, n)
			continue
		}
		list = append(list, choices[i].ID)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (w Window) spec(services, components []Named) WindowSpec {
	spec := WindowSpec{
		Title: w.Title, Text: w.Text, From: w.From.Format(time.RFC3339), Until: w.Until.Format(time.RFC3339),
		Services: names(w.Services, services), Components: names(w.Components, components),
	}
	if w.ByHand {
		spec.Finish = "hand"
	}
	for _, u := range w.Updates {
		spec.Updates = append(spec.Updates, UpdateSpec{u.Text})
	}
	return spec
}

func names(ids []string, choices []Named) []string {
	var list []string
	for _, id := range ids {
		if i := slices.IndexFunc(choices, func(c Named) bool { return c.ID == id }); i >= 0 {
			list = append(list, choices[i].Name)
		}
	}
	slices.Sort(list)
	return list
}
