package app

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/view"
)

// Who keeps data of persons: what is exported, what erasing forgets, and what stays and why.

func (a *App) keepers() []people.Keeper {
	return []people.Keeper{
		keptProfile{a}, keptSignIn{a}, keptNotices{a}, keptWork{a}, keptTexts{a}, keptViews{a}, keptFacts{a},
	}
}

// zipArchive is an export as one zip.
type zipArchive struct {
	z   *zip.Writer
	now time.Time
}

// File implements people.Archive.
func (x zipArchive) File(name string, write func(w io.Writer) error) error {
	w, err := x.z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: x.now})
	if err != nil {
		return err
	}
	return write(w)
}

// ExportPerson writes everything that is held on the person as one zip of JSON and text files.
func (a *App) ExportPerson(ctx context.Context, actor mainstay.Actor, person string, w io.Writer) error {
	z := zip.NewWriter(w)
	if err := a.People.Export(ctx, actor, person, zipArchive{z, a.cfg.Time.Now()}); err != nil {
		return err
	}
	return z.Close()
}

type keptProfile struct{ a *App }

// Kept implements people.Keeper.
func (keptProfile) Kept() (what, remains string) {
	return "Name, addresses, contact methods, preferences, teams and roles", "a pseudonym, so that history reads"
}

// Export implements people.Keeper.
func (k keptProfile) Export(ctx context.Context, p people.Person, to people.Archive) error {
	teams, _, err := k.a.People.Teams(ctx, people.TeamQuery{Person: p.ID, Limit: most})
	if err != nil {
		return err
	}
	names := []string{}
	for i := range teams {
		names = append(names, teams[i].Name)
	}
	grants, err := k.a.Access.GrantsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	type contact struct {
		Channel, Address string
		Pages, Verified  bool
	}
	contacts := []contact{}
	for _, c := range p.Contacts {
		contacts = append(contacts, contact{string(c.Channel), c.Address, c.ForPages, c.Verified()})
	}
	return people.JSON(to, "profile.json", map[string]any{
		"id": p.ID, "name": p.Name, "fullName": p.FullName, "email": p.Email, "zone": p.Zone, "language": p.Language, "state": p.State(),
		"added": p.CreatedAt, "contacts": contacts, "preferences": p.Preferences, "teams": names, "roles": grants,
	})
}

// Erase implements people.Keeper: they leave their teams and lose their roles; the profile itself is people's.
func (k keptProfile) Erase(ctx context.Context, p people.Person, _ people.Forget) error {
	by := mainstay.System("people")
	teams, _, err := k.a.People.Teams(ctx, people.TeamQuery{Person: p.ID, Limit: most})
	if err != nil {
		return err
	}
	for i := range teams {
		_, _, err := k.a.People.ChangeTeam(ctx, by, teams[i].ID, func(t *people.Team) error {
			t.Members = without(t.Members, p.ID)
			return nil
		})
		if err != nil {
			return err
		}
	}
	_, err = k.a.Access.SetRoles(ctx, by, p.Ref(), nil)
	return err
}

func without(list []people.Member, person string) []people.Member {
	kept := []people.Member{}
	for _, m := range list {
		if m.Person != person {
			kept = append(kept, m)
		}
	}
	return kept
}

type keptSignIn struct{ a *App }

// Kept implements people.Keeper.
func (keptSignIn) Kept() (what, remains string) {
	return "Password, sessions with their network addresses, passkeys, accounts at identity providers", ""
}

// tokensOf lists the API tokens that a person made and that count.
func (a *App) tokensOf(ctx context.Context, person string) ([]identity.Token, error) {
	var mine []identity.Token
	for before := ""; ; {
		list, next, err := a.Identity.ListTokens(ctx, before, 1000)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if t.CreatedBy == mainstay.Person(person) && t.RevokedAt.IsZero() {
				mine = append(mine, t)
			}
		}
		if before = next; next == "" {
			return mine, nil
		}
	}
}

// Export implements people.Keeper.
func (k keptSignIn) Export(ctx context.Context, p people.Person, to people.Archive) error {
	sessions, err := k.a.Identity.Sessions(ctx, p.ID)
	if err != nil {
		return err
	}
	has, err := k.a.Identity.Factors(ctx, p.ID)
	if err != nil {
		return err
	}
	accounts, err := k.a.Identity.AccountsOf(ctx, p.ID)
	if err != nil {
		return err
	}
	keys, err := k.a.Identity.PasskeysOf(ctx, p.ID)
	if err != nil {
		return err
	}
	tokens, err := k.a.tokensOf(ctx, p.ID)
	if err != nil {
		return err
	}
	passkeys, made := []string{}, []string{}
	for _, x := range keys {
		passkeys = append(passkeys, x.Name)
	}
	for _, t := range tokens {
		made = append(made, t.Name)
	}
	return people.JSON(to, "sign-in.json", map[string]any{
		"password": has.Password, "sessions": sessions, "accounts": accounts, "passkeys": passkeys, "apiTokensMade": made,
	})
}

// Erase implements people.Keeper.
func (k keptSignIn) Erase(ctx context.Context, p people.Person, _ people.Forget) error {
	return k.a.Identity.Forget(ctx, p.ID)
}

type keptNotices struct{ a *App }

// Kept implements people.Keeper.
func (keptNotices) Kept() (what, remains string) {
	return "Notifications: what they said and where they went", "that one was sent, when, over which channel and how it ended: it shows whether a page reached somebody"
}

// lines writes values of pages, one JSON value on each line.
func lines[T any](to people.Archive, name string, next func() ([]T, error)) error {
	return to.File(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		for {
			list, err := next()
			if err != nil || len(list) == 0 {
				return err
			}
			for _, v := range list {
				if err := e.Encode(v); err != nil {
					return err
				}
			}
		}
	})
}

// Export implements people.Keeper.
func (k keptNotices) Export(ctx context.Context, p people.Person, to people.Archive) error {
	told := notify.TellFilter{Person: p.ID, Limit: 500}
	err := lines(to, "notices.jsonl", func() ([]notify.Told, error) {
		list, err := k.a.Notices.Told(ctx, told)
		if len(list) > 0 {
			told.Before = list[len(list)-1].ID
		}
		return list, err
	})
	if err != nil {
		return err
	}
	log := notify.Filter{Person: p.ID, Limit: 500}
	return lines(to, "deliveries.jsonl", func() ([]notify.Delivery, error) {
		list, err := k.a.Notices.Deliveries(ctx, log)
		if len(list) > 0 {
			log.Before = list[len(list)-1].ID
		}
		return list, err
	})
}

// Erase implements people.Keeper.
func (k keptNotices) Erase(ctx context.Context, p people.Person, f people.Forget) error {
	return k.a.Notices.Forget(ctx, p.ID, f.Addresses, k.a.cfg.Time.Now())
}

type keptWork struct{ a *App }

// Kept implements people.Keeper.
func (keptWork) Kept() (what, remains string) {
	return "Shifts, policies, actions, roles in incidents, analyses and articles", "the record of the work, under the pseudonym: who was on call and what was agreed must stay provable"
}

// Export implements people.Keeper.
func (k keptWork) Export(ctx context.Context, p people.Person, to people.Archive) error {
	groups, err := k.a.People.Held(ctx, p.ID)
	if err != nil {
		return err
	}
	if err := people.JSON(to, "holds.json", groups); err != nil {
		return err
	}
	q := action.Query{Owner: p.ID, AllPrivate: true, Limit: 500}
	end := false
	return lines(to, "actions.jsonl", func() ([]action.Action, error) {
		if end {
			return nil, nil
		}
		page, err := k.a.Actions.List(ctx, q)
		q.Cursor, end = page.Next, page.Next == ""
		return page.Items, err
	})
}

// Erase implements people.Keeper: actions that name them forget the name, unless they are over.
func (k keptWork) Erase(ctx context.Context, p people.Person, f people.Forget) error {
	list, err := k.a.Actions.Of(ctx, p.Ref())
	if err != nil {
		return err
	}
	for _, x := range list {
		title, a := f.Text(x.Title)
		proof, b := f.Text(x.Proof)
		if !a && !b || x.State.Over() {
			continue
		}
		if _, err := k.a.Actions.Edit(ctx, mainstay.System("people"), x.ID, action.Edit{Title: &title, Proof: &proof}); err != nil {
			return err
		}
	}
	return nil
}

type keptTexts struct{ a *App }

// Kept implements people.Keeper.
func (keptTexts) Kept() (what, remains string) {
	return "Texts that they wrote: notes, articles, analyses, public updates",
		"the texts: they are the record of the work and others build on them. Their author reads as a former member. Names inside of texts stay; edit those that must not"
}

// Export implements people.Keeper.
func (k keptTexts) Export(ctx context.Context, p people.Person, to people.Archive) error {
	store := documentdb.New(k.a.DB)
	var after document.Revision
	for {
		list, err := store.By(ctx, mainstay.Person(p.ID), after, 200)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, r := range list {
			after = r
			head := fmt.Sprintf("<!-- %s of %s, revision %d, %s -->\n\n", r.Kind, r.Subject, r.Revision, r.At.UTC().Format(time.RFC3339))
			err := to.File(fmt.Sprintf("texts/%s-%d.md", r.Document, r.Revision), func(w io.Writer) error {
				_, err := io.WriteString(w, head+r.Markdown)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
}

// Erase implements people.Keeper.
func (keptTexts) Erase(context.Context, people.Person, people.Forget) error { return nil }

type keptViews struct{ a *App }

// Kept implements people.Keeper.
func (keptViews) Kept() (what, remains string) {
	return "Saved views", "those that are shared with a project"
}

func (k keptViews) of(ctx context.Context, person string) ([]view.View, error) {
	list, err := k.a.Views.Views(ctx, view.Query{Person: person, MostResults: 200})
	mine := []view.View{}
	for _, v := range list {
		if v.Owner == person {
			mine = append(mine, v)
		}
	}
	return mine, err
}

// Export implements people.Keeper.
func (k keptViews) Export(ctx context.Context, p people.Person, to people.Archive) error {
	list, err := k.of(ctx, p.ID)
	if err != nil {
		return err
	}
	return people.JSON(to, "views.json", list)
}

// Erase implements people.Keeper.
func (k keptViews) Erase(ctx context.Context, p people.Person, _ people.Forget) error {
	list, err := k.of(ctx, p.ID)
	if err != nil {
		return err
	}
	for _, v := range list {
		if v.Project != "" {
			continue
		}
		if err := k.a.Views.Remove(ctx, mainstay.Person(p.ID), v); err != nil {
			return err
		}
	}
	return nil
}

type keptFacts struct{ a *App }

// Kept implements people.Keeper.
func (keptFacts) Kept() (what, remains string) {
	return "The journal: what they did, and what was about them",
		"that it happened, when, and by which pseudonym. Names and addresses in it are replaced; the chain of digests stays whole, and a fact says who erased and why"
}

// Export implements people.Keeper.
func (k keptFacts) Export(ctx context.Context, p people.Person, to people.Archive) error {
	heads, err := k.a.Journal.Heads(ctx)
	if err != nil {
		return err
	}
	q := journal.AuditQuery{Person: p.ID, Limit: 500}
	for project := range heads {
		q.Projects = append(q.Projects, project)
	}
	return to.File("facts.jsonl", func(w io.Writer) error {
		e := json.NewEncoder(w)
		for {
			page, err := k.a.Journal.Audit(ctx, q)
			if err != nil {
				return err
			}
			for _, f := range page.Facts {
				if err := e.Encode(f); err != nil {
					return err
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				return nil
			}
		}
	})
}

// Erase implements people.Keeper: facts forget in the background; see forgetting.
func (keptFacts) Erase(context.Context, people.Person, people.Forget) error { return nil }
