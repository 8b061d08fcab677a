package peopleweb

import (
	"context"

	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Standing says how persons stand with signing in, by id: nothing about those who can. identityweb answers.
type Standing func(ctx context.Context, persons []string) (map[string]ui.State, error)

// WithStanding has the list of people show who is only invited, and lead to the page that invites somebody.
func (p *Pages) WithStanding(ask Standing) *Pages {
	p.standing = ask
	return p
}

// stand puts how persons stand with signing in beside those who are active.
func (p *Pages) stand(ctx context.Context, rows []personRow, list []people.Person) error {
	if p.standing == nil {
		return nil
	}
	ids := make([]string, len(list))
	for i, x := range list {
		ids[i] = x.ID
	}
	states, err := p.standing(ctx, ids)
	for i, x := range list {
		if s, ok := states[x.ID]; ok && x.Active() && x.Email != "" {
			rows[i].State = s
		}
	}
	return err
}
