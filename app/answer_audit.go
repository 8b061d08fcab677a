package app

import (
	"context"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal/journalweb"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

func (a *App) auditPages(n names) *journalweb.Pages {
	return journalweb.New(journalweb.Config{
		Journal: a.Journal, Names: n, Objects: a.Objects, Audits: a.Journal, Finder: typed{a}, Time: a.cfg.Time, Note: a.note,
	})
}

// note appends one fact of the installation.
func (a *App) note(ctx context.Context, p fact.Payload, by mainstay.Actor) error {
	return a.DB.Write(ctx, storage.Normal, func(ctx context.Context) error {
		return a.Journal.Append(ctx, []fact.Fact{fact.New(a.cfg.Time.Now(), "", by, p)})
	})
}

// typed answers the audit: whom and what do people mean by what they type?
type typed struct{ a *App }

// PersonID implements journalweb.Finder.
func (q typed) PersonID(ctx context.Context, who string) (string, error) {
	who = strings.TrimSpace(who)
	if mainstay.ValidID(who) {
		p, err := q.a.People.ByID(ctx, who)
		return p.ID, err
	}
	p, err := q.a.People.ByName(ctx, strings.ToLower(who))
	if mainstay.Is(err, mainstay.NotFound) {
		p, err = q.a.People.ByEmail(ctx, who)
	}
	return p.ID, err
}

// Object implements journalweb.Finder.
func (q typed) Object(ctx context.Context, what string) (mainstay.Ref, error) {
	what = strings.TrimSpace(what)
	kind, key := mainstay.Kind(""), what
	if k, _, ok := mainstay.ParseNumber(what); ok {
		kind = k
	} else if k, rest, ok := strings.Cut(what, ":"); ok {
		kind, key = mainstay.Kind(strings.ToLower(k)), rest
	} else {
		return mainstay.Ref{}, mainstay.Errorf(mainstay.Invalid, "Write it like INC-42 or service:checkout.")
	}
	o, err := finder(q).Find(ctx, kind, key, "")
	if mainstay.Is(err, mainstay.NotFound) && mainstay.ValidID(key) { // it is gone from the register; its facts are not
		return mainstay.Ref{Kind: kind, ID: key}, nil
	}
	return o.Ref, err
}
