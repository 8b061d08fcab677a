package app

import (
	"context"

	"github.com/mainstayhq/mainstay"
)

// onCall answers incident: who is on call for services of a project?
type onCall struct{ a *App }

// OnCall implements incident.OnCall: the first person that any schedule of the project has on duty now.
func (q onCall) OnCall(ctx context.Context, project string, _ []string) (string, error) {
	people, err := q.a.Escalation.OnCallPeople(ctx, project, q.a.cfg.Time.Now())
	if err != nil {
		return "", err
	}
	if len(people) == 0 {
		return "", mainstay.Errorf(mainstay.NotFound, "Nobody is on call for this project.")
	}
	return people[0], nil
}
