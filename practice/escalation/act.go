package escalation

import (
	"context"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// The ways an acknowledgement comes.
const (
	ViaMail = "mail"
	ViaWeb  = "web"
	ViaAPI  = "api"
)

// Page is the page with the id; NotFound when there is none.
func (s *Service) Page(ctx context.Context, id string) (Page, error) {
	list, err := s.cfg.Store.Pages(ctx, PageQuery{ID: id, Limit: 1})
	if err != nil {
		return Page{}, err
	}
	if len(list) == 0 {
		return Page{}, mainstay.Errorf(mainstay.NotFound, "There is no such page.")
	}
	return list[0], nil
}

// Pages lists pages, newest first.
func (s *Service) Pages(ctx context.Context, q PageQuery) ([]Page, error) {
	return s.cfg.Store.Pages(ctx, q)
}

// PagesFor lists the latest pages about the object, newest first, at most 50.
func (s *Service) PagesFor(ctx context.Context, ref mainstay.Ref) ([]Page, error) {
	return s.cfg.Store.Pages(ctx, PageQuery{Subject: ref})
}

// Acknowledged tells who has taken on what the object asks for, by its latest page that somebody has; false when nobody has.
func (s *Service) Acknowledged(ctx context.Context, ref mainstay.Ref) (by mainstay.Actor, at time.Time, ok bool, err error) {
	list, err := s.PagesFor(ctx, ref)
	if err != nil {
		return by, at, false, err
	}
	for _, p := range list {
		if !p.Acked.IsZero() {
			return p.AckedBy, p.Acked, true, nil
		}
	}
	return by, at, false, nil
}

// Acknowledge notes that the actor has the page; no further step is taken. It is idempotent: when somebody has it already, or
// it is over, nothing changes, changed is false and the page says who and when.
func (s *Service) Acknowledge(ctx context.Context, actor mainstay.Actor, id, via string) (page Page, changed bool, err error) {
	return s.change(ctx, id, func(_ context.Context, p *Page, now time.Time) (commit.Set, error) {
		return p.acknowledge(now, actor, via)
	})
}

// Regret is how long an acknowledgement can be taken back.
const Regret = time.Minute

// Release takes back the actor's own acknowledgement, given the version that the page had after it. It fails with Conflict when
// anything has followed, or when more than Regret has passed.
func (s *Service) Release(ctx context.Context, actor mainstay.Actor, id string, version int64) (Page, error) {
	page, _, err := s.change(ctx, id, func(_ context.Context, p *Page, now time.Time) (commit.Set, error) {
		return p.release(now, actor, version)
	})
	return page, err
}

// change runs a rule on a page and tells how the page is afterwards.
func (s *Service) change(ctx context.Context, id string, rule func(context.Context, *Page, time.Time) (commit.Set, error)) (page Page, changed bool, err error) {
	now := s.cfg.Time.Now()
	err = s.cfg.Store.UpdatePage(ctx, id, func(ctx context.Context, p *Page) (commit.Set, error) {
		set, err := rule(ctx, p, now)
		page, changed = *p, err == nil
		return set, err
	})
	return page, changed && err == nil, err
}

// AnyStep is the step to give Escalate when the one that the actor saw does not matter.
const AnyStep = -1

// Escalate sends the page to its next step at once. seen is the step, and round the repeat, that the actor saw as the last one
// taken: when another was taken meanwhile nothing happens and changed is false. It also sends on a page that somebody has,
// which then asks again, and one whose policy has ended, which begins another round.
func (s *Service) Escalate(ctx context.Context, actor mainstay.Actor, id string, seen, round int) (page Page, changed bool, err error) {
	return s.change(ctx, id, func(ctx context.Context, p *Page, now time.Time) (commit.Set, error) {
		switch {
		case seen != AnyStep && (seen != p.Step || round != p.Repeat):
			return commit.Set{}, ErrUnchanged
		case p.State == Resolved:
			return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s is over; there is nothing to escalate.", p.Key())
		case len(p.Policy.Steps) == 0:
			return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "%s has no policy to follow: %s.", p.Key(), p.EndReason)
		}
		p.reopen()
		step, _, _, _ := p.following(true)
		set := commit.Set{
			Facts:   []fact.Fact{p.fact(now, actor, fact.PageEscalated{Step: step})},
			Objects: []commit.Object{p.object(now)},
		}
		more, err := s.advance(ctx, p, now, how{by: actor, forced: true})
		set.Add(more)
		return set, err
	})
}

// Resolve ends the page by hand. It is idempotent.
func (s *Service) Resolve(ctx context.Context, actor mainstay.Actor, id string) (page Page, changed bool, err error) {
	return s.change(ctx, id, func(ctx context.Context, p *Page, now time.Time) (commit.Set, error) {
		return s.resolve(ctx, p, now, actor, "ended by hand")
	})
}

// resolve ends the page and tells those who were paged.
func (s *Service) resolve(ctx context.Context, p *Page, now time.Time, actor mainstay.Actor, reason string) (commit.Set, error) {
	set, err := p.resolve(now, actor, reason)
	if err != nil {
		return set, err
	}
	notices, err := s.endNotices(ctx, p)
	set.Notices = append(set.Notices, notices...)
	return set, err
}

// Tokens in mails.
const (
	ackPurpose = "page.acknowledge"
	ackValid   = 7 * 24 * time.Hour
)

// ackPath is the address of the form that acknowledges the page in the person's name.
func (s *Service) ackPath(p *Page, person string, now time.Time) string {
	return "/pages/" + p.ID + "/ack?token=" + s.cfg.Signer.Sign(ackPurpose, p.ID+" "+person, now.Add(ackValid))
}

// Bearer checks the token of a mail's link to the page with the id, and tells whom it was sent to. A token that is not ours, is
// for another page or for somebody whose account is deactivated is Denied; one that has ended is Gone.
func (s *Service) Bearer(ctx context.Context, page, token string) (person string, err error) {
	text, err := s.cfg.Signer.Verify(ackPurpose, token, s.cfg.Time.Now())
	if err != nil {
		return "", err
	}
	of, person, _ := strings.Cut(text, " ")
	if of != page {
		return "", mainstay.Errorf(mainstay.Denied, "This link belongs to another page.")
	}
	who, err := s.cfg.People.ByID(ctx, person)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !who.Active() {
		return "", mainstay.Errorf(mainstay.Denied, "The account that this link was sent to is not active.")
	}
	return person, err
}

// AcknowledgeByToken acknowledges in the name of whom the mail's link was sent to; see Bearer and Acknowledge.
func (s *Service) AcknowledgeByToken(ctx context.Context, page, token string) (p Page, changed bool, err error) {
	person, err := s.Bearer(ctx, page, token)
	if err != nil {
		return Page{}, false, err
	}
	return s.Acknowledge(ctx, mainstay.Person(person), page, ViaMail)
}
