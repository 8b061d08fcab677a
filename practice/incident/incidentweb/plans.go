package incidentweb

import (
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/web"
)

// planRow is a plan in the list.
type planRow struct {
	Title, URL, Project, For string
	Version                  int64
	Steps                    int
	At                       time.Time
}

// planView is the page of one version of a plan.
type planView struct {
	Plan     incident.Plan
	For      string
	Project  linkView
	By       string
	Updates  []linkView // severity and cadence
	Versions []planVersion
	Newest   bool
}

type planVersion struct {
	Version int64
	At      time.Time
	By, URL string
	Here    bool
}

// meant says for which incidents a plan is meant.
func meant(s incident.PlanSpec) string {
	what := "every severity"
	if len(s.Severities) > 0 {
		words := make([]string, len(s.Severities))
		for i, v := range s.Severities {
			words[i] = string(v)
		}
		what = strings.Join(words, ", ")
	}
	if len(s.Services) > 0 {
		return what + " of " + strings.Join(s.Services, ", ")
	}
	return what
}

func (p *Pages) plans(c *web.Ctx) error {
	list, err := p.cfg.Incidents.Plans(c.Context(), "")
	if err != nil {
		return err
	}
	var rows []planRow
	for _, pl := range list {
		if !c.Viewer.May(access.IncidentRead, pl.Project) {
			continue
		}
		r := planRow{Title: pl.Title(), URL: "/plans/" + pl.ID, Version: pl.Version, Steps: len(pl.Spec.Steps), For: meant(pl.Spec), At: pl.At, Project: "all projects"}
		if pl.Project != mainstay.Installation {
			r.Project, _ = p.cfg.Names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindProject, ID: pl.Project})
		}
		rows = append(rows, r)
	}
	return c.Render(web.Page{Title: "Plans", Nav: "incidents", Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: "Plans"}}}, plansPage(rows))
}

func (p *Pages) plan(c *web.Ctx) error {
	versions, err := p.cfg.Incidents.Versions(c.Context(), c.Ref.ID)
	if err != nil {
		return err
	}
	v := planView{Plan: versions[0], Newest: true}
	wanted := c.Query("version")
	for n, x := range versions {
		if digits(x.Version) == wanted {
			v.Plan, v.Newest = x, n == 0
		}
	}
	for _, x := range versions {
		v.Versions = append(v.Versions, planVersion{
			Version: x.Version, At: x.At, By: p.cfg.Names.Actor(c.Context(), x.By), URL: "/plans/" + x.ID + "?version=" + digits(x.Version),
			Here: x.Version == v.Plan.Version,
		})
	}
	v.For, v.By = meant(v.Plan.Spec), p.cfg.Names.Actor(c.Context(), v.Plan.By)
	v.Project = linkView{Text: "all projects"}
	if v.Plan.Project != mainstay.Installation {
		v.Project.Text, v.Project.URL = p.cfg.Names.Subject(c.Context(), mainstay.Ref{Kind: mainstay.KindProject, ID: v.Plan.Project})
	}
	for s, every := range v.Plan.Spec.Updates {
		v.Updates = append(v.Updates, linkView{Text: string(s), URL: every.String()})
	}
	slices.SortFunc(v.Updates, func(a, b linkView) int { return strings.Compare(a.Text, b.Text) })
	return c.Render(web.Page{
		Title: v.Plan.Title(), Nav: "incidents", Live: []mainstay.Ref{c.Ref},
		Crumbs: []web.Crumb{{Text: "Incidents", URL: "/incidents"}, {Text: "Plans", URL: "/plans"}, {Text: v.Plan.Title()}},
	}, planPage(v))
}
