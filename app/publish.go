package app

import (
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// publishMost is how many things one event of the live stream names.
const publishMost = 250

// publish tells open pages what changed: of each commit once per project, except that a flood of alerts takes several events. Without
// facts it was another process, which may have changed anything.
func (a *App) publish(facts []fact.Fact) {
	if facts == nil {
		a.router.Live().Whole()
		return
	}
	refs := map[string][]mainstay.Ref{}
	for i := range facts {
		project := facts[i].Project
		list := refs[project]
		for _, r := range facts[i].Subjects {
			if r.Kind == mainstay.KindAlert || !slices.Contains(list[max(0, len(list)-4):], r) { // the service is that of the alert before, mostly
				list = append(list, r)
			}
		}
		if len(list) >= publishMost {
			a.router.Live().Publish(project, list)
			list = nil
		}
		refs[project] = list
	}
	for project, list := range refs {
		a.router.Live().Publish(project, list)
	}
}
