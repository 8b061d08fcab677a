package notify

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/fact"
)

// Filter selects deliveries of the log, newest first. Zero fields select everything.
type Filter struct {
	Projects []string // project ids; nil for all
	Subject  mainstay.Ref
	Person   string
	Channel  string
	State    State
	Notices  []string // ids of notices; nil for all
	Before   string   // id; exclusive: the page after the one that ended there
	Limit    int      // default 100, at most 1,000
}

// Log reads the record of deliveries.
type Log interface {
	Deliveries(ctx context.Context, f Filter) ([]Delivery, error)
	// Delivery is one by its id; NotFound when there is none.
	Delivery(ctx context.Context, id string) (Delivery, error)
}

// Answering is what the subscribers need of the database.
type Answering interface {
	// Withdraw ends, with the reason, what was planned up to now and is not yet being sent about the subject from the template.
	// What was planned later is left alone: the page asks again.
	Withdraw(ctx context.Context, subject mainstay.Ref, template, reason string, now time.Time) error
	// Confirm notes that the person answered a message about the subject.
	Confirm(ctx context.Context, subject mainstay.Ref, person, channel, answer string) error
	// Seen marks as read what a person, or everybody for "", was told about the subject by the template.
	Seen(ctx context.Context, subject mainstay.Ref, person, template string, at time.Time) error
}

// Subscribers keep deliveries true to what happens to pages: an answer from a mail confirms it, and what still waits to be
// sent about a page that somebody has or that is over is withdrawn.
func Subscribers(a Answering) []journal.Subscriber {
	kinds := []string{fact.PageAcknowledged{}.FactKind(), fact.PageResolved{}.FactKind()}
	return []journal.Subscriber{{Name: "notify.answers", Kinds: kinds, Urgent: true, Handle: func(ctx context.Context, facts []fact.Fact) error {
		for _, f := range facts {
			if err := answer(ctx, a, f); err != nil {
				return err
			}
		}
		return nil
	}}}
}

func answer(ctx context.Context, a Answering, f fact.Fact) error {
	page := mainstay.Ref{Kind: mainstay.KindPage, ID: f.Subject(mainstay.KindPage)}
	if page.IsZero() {
		return nil
	}
	who := "" // once a page is over it asks nobody any more; once somebody has it, it asks them no more
	if f.Kind == (fact.PageAcknowledged{}).FactKind() && f.Actor.Kind == mainstay.ActorPerson {
		who = f.Actor.ID
	}
	if err := a.Seen(ctx, page, who, TemplatePage, f.Recorded); err != nil {
		return err
	}
	reason := "the page was over before this was sent"
	if p, ok := fact.As[fact.PageAcknowledged](f); ok {
		reason = "the page was acknowledged before this was sent"
		if p.Via == "mail" && f.Actor.Kind == mainstay.ActorPerson {
			if err := a.Confirm(ctx, page, f.Actor.ID, "email", "acknowledged from the mail"); err != nil {
				return err
			}
		}
	}
	return a.Withdraw(ctx, page, TemplatePage, reason, f.Recorded)
}
