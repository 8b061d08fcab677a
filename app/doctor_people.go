package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	emailout "github.com/mainstayhq/mainstay/core/notify/email"
	"github.com/mainstayhq/mainstay/core/people"
)

// explain is the sentence for people where there is one.
func explain(err error) string {
	if mainstay.ErrorCode(err) != mainstay.Internal {
		return mainstay.ErrorMessage(err)
	}
	return err.Error() + "."
}

// everybody calls f for each person.
func (a *App) everybody(ctx context.Context, f func(people.Person) error) error {
	for after := ""; ; {
		list, next, err := a.People.List(ctx, people.Query{After: after, Limit: 200})
		if err != nil {
			return err
		}
		for _, p := range list {
			if err := f(p); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// sealedTables hold what the key has sealed; elsewhere, strangers' text may look like it.
var sealedTables = []string{"contact", "erasure", "authenticator", "identity_provider", "webhook_endpoint", "notice", "setting"}

// sealedValue is a sealed secret that is a column's whole value, or a field of its JSON.
var sealedValue = regexp.MustCompile(`^v1:[A-Za-z0-9+/]{54,}$|"sealed":"(v1:[A-Za-z0-9+/]{54,})"`)

// sealed tries the key on everything that it should have sealed.
func (d *doctor) sealed(ctx context.Context, a *App) error {
	tables, err := a.DB.Tables(ctx, Migrations()...)
	if err != nil {
		return err
	}
	n := 0
	var locked []string
	for _, t := range tables {
		if !slices.Contains(sealedTables, t.Name) {
			continue
		}
		found, err := a.DB.Holding(ctx, t, "v1:")
		if err != nil {
			return err
		}
		lost := 0
		for _, values := range found {
			for _, v := range values {
				for _, m := range sealedValue.FindAllStringSubmatch(v, -1) {
					if n++; !a.opens(cmp.Or(m[1], m[0])) {
						lost++
					}
				}
			}
		}
		if lost > 0 {
			locked = append(locked, fmt.Sprintf("The key does not open %d secrets in the table %s: who depends on them is not reached, or cannot sign in.", lost, t.Name))
		}
	}
	d.each("sealed secrets", Wrong, "Put the key back that was used before (mainstay secret-key rotate keeps it beside the new one), or add it to the key file as a line \"old KEY\". If it is lost, set these secrets anew.",
		fmt.Sprintf("The key opens all %d.", n), locked)
	return nil
}

func (a *App) opens(sealed string) bool {
	_, err := a.Vault.Open(sealed)
	return err == nil
}

func (d *doctor) journal(ctx context.Context, a *App) error {
	parked, err := a.Journal.Parked(ctx)
	if err != nil {
		return err
	}
	var problems []string
	for _, s := range slices.Sorted(maps.Keys(parked)) {
		problems = append(problems, fmt.Sprintf("%s could not handle %d facts, and has put them aside.", s, parked[s]))
	}
	d.each("parked facts", Wrong, "The server's log says why; report it. What should have followed from them has not happened.", "There are none.", problems)
	newest, err := a.Journal.Newest(ctx)
	if err != nil {
		return err
	}
	if ahead := newest.Sub(a.cfg.Time.Now()); ahead > clockSkew {
		d.found("clock", Wrong, "Set the clock with NTP.", "The newest fact is %s in the future: the clock was set back, or was ahead.", ahead.Round(time.Second))
	}
	behind, err := a.Objects.Behind(ctx)
	if err != nil {
		return err
	}
	d.each("numbers", Wrong, "Somebody changed the database by hand: restore a backup, or report it.", "No number can be given twice.",
		sentences(behind, "The next number of kind %s has been given already."))
	return nil
}

func sentences(list []string, format string) (out []string) {
	for _, s := range list {
		out = append(out, fmt.Sprintf(format, s))
	}
	return out
}

func (d *doctor) people(ctx context.Context, a *App) error {
	has, err := a.Identity.HasAdministrator(ctx)
	if err == nil && !has {
		d.found("administrator", Look, "mainstay setup --admin EMAIL --password-file FILE", "Nobody is administrator.")
	}
	return err
}

// ahead is how far doctor looks at schedules.
const ahead = 14 * 24 * time.Hour

// schedules looks for people who have a duty now or soon and cannot be paged, and for duties that nobody has.
func (d *doctor) schedules(ctx context.Context, a *App) error {
	now := a.cfg.Time.Now()
	list, err := a.Escalation.Schedules(ctx, nil, now, now.Add(ahead))
	if err != nil {
		return err
	}
	var silent, empty []string
	for _, sch := range list {
		where := a.within(ctx, sch.Name, sch.Project)
		if _, ok := sch.At(now); !ok {
			empty = append(empty, fmt.Sprintf("Nobody has the duty of schedule %s now.", where))
		}
		var seen []string
		for _, shift := range sch.Shifts(now, now.Add(ahead)) {
			if slices.Contains(seen, shift.Person) {
				continue
			}
			seen = append(seen, shift.Person)
			name, why, err := a.silent(ctx, shift.Person)
			if err != nil {
				return err
			}
			if why != "" {
				silent = append(silent, fmt.Sprintf("%s has the duty of schedule %s from %s and cannot be paged: %s.", name, where,
					shift.From.UTC().Format("2 January 15:04 UTC"), why))
			}
		}
	}
	d.each("duties", Wrong, "Let them confirm an address for pages (My contacts), or give the shift to another.",
		"Everybody on a schedule of the next 14 days can be paged.", silent)
	d.each("on call", Look, "Give the schedule an override, or a layer for these hours.", "Every schedule has somebody now.", empty)
	return nil
}

// within is the name of a thing with its project.
func (a *App) within(ctx context.Context, name, project string) string {
	if in, err := a.Projects.ProjectName(ctx, project); err == nil && project != mainstay.Installation {
		return in + "/" + name
	}
	return name
}

// silent says why a person cannot be paged on this server, "" when they can.
func (a *App) silent(ctx context.Context, person string) (name, why string, err error) {
	p, err := a.People.ByID(ctx, person)
	if mainstay.Is(err, mainstay.NotFound) {
		return person, "the person was removed", nil
	}
	if err != nil {
		return "", "", err
	}
	if !p.Active() {
		return p.Name, "the account is deactivated", nil
	}
	why = "there is no confirmed address for pages"
	for _, c := range p.Contacts {
		if !c.ForPages || !c.Verified() {
			continue
		}
		off := a.available(string(c.Channel))
		if off == "" || c.Channel == people.Email { // of mail, doctor may not have been told the server; another check says so
			return p.Name, "", nil
		}
		why = off
	}
	return p.Name, why, nil
}

// policies takes every step in thought, as things stand.
func (d *doctor) policies(ctx context.Context, a *App) error {
	list, err := a.Escalation.Policies(ctx, nil)
	if err != nil {
		return err
	}
	var dead, slow []string
	for _, p := range list {
		where := a.within(ctx, p.Name, p.Project)
		first := -1
		for i, step := range p.Steps {
			reached, _, err := a.Escalation.Reach(ctx, step, a.cfg.Time.Now())
			if err != nil {
				return err
			}
			if len(reached) > 0 {
				first = i
				break
			}
		}
		switch {
		case first < 0:
			dead = append(dead, fmt.Sprintf("Policy %s reaches nobody now.", where))
		case first > 0:
			slow = append(slow, fmt.Sprintf("Policy %s reaches nobody before its step %d.", where, first+1))
		}
	}
	d.each("policies", Wrong, "The policy's page says for each step who is missing and why.", "Every policy reaches somebody now.", dead)
	for _, says := range slow {
		d.found("policies", Look, "The policy's page says for each step who is missing and why.", "%s", says)
	}
	return nil
}

func (d *doctor) routes(ctx context.Context, a *App) error {
	list, err := a.Warning.Routes(ctx, "")
	if err != nil {
		return err
	}
	var lost []string
	for _, r := range list {
		if r.Spec.Policy == "" {
			continue
		}
		_, err := a.Escalation.Policy(ctx, r.Project, r.Spec.Policy)
		if mainstay.Is(err, mainstay.NotFound) {
			lost = append(lost, fmt.Sprintf("Route %s names the policy %s, which does not exist.", a.within(ctx, r.Name, r.Project), r.Spec.Policy))
		} else if err != nil {
			return err
		}
	}
	d.each("routes", Wrong, "Define the policy, or let the route name another: nobody is paged.", "Every policy that a route names exists.", lost)
	return nil
}

func (d *doctor) mail(ctx context.Context, a *App) error {
	const check = "mail server"
	if a.cfg.SMTPURL == "" {
		d.found(check, Look, "Give doctor the --smtp-url of the server, or set one: most people are paged by mail.", "No mail server is known.")
		return nil
	}
	sender, err := emailout.New(emailout.Config{URL: a.cfg.SMTPURL, From: a.cfg.MailFrom})
	if err != nil {
		return err
	}
	defer sender.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := sender.Check(ctx); err != nil {
		d.found(check, Wrong, "Check --smtp-url, the network, and the mail server's log.", "It cannot be used: %s", explain(err))
		return nil
	}
	d.fine(check, "It answers, and lets us in.")
	return nil
}

// deliveries counts what could not be delivered since yesterday.
func (d *doctor) deliveries(ctx context.Context, a *App) error {
	since := a.cfg.Time.Now().Add(-24 * time.Hour)
	lost, over := map[string]int{}, 0
	for before := ""; ; {
		list, err := a.Notices.Deliveries(ctx, notify.Filter{State: notify.Failed, Before: before, Limit: 500})
		if err != nil {
			return err
		}
		for _, m := range list {
			before = m.ID
			if m.Planned.Before(since) {
				list = nil
				break
			}
			if m.Relieved {
				over++
			} else {
				lost[m.Channel]++
			}
		}
		if len(list) < 500 {
			break
		}
	}
	var problems []string
	for _, channel := range slices.Sorted(maps.Keys(lost)) {
		problems = append(problems, fmt.Sprintf("%d messages by %s could not be delivered since yesterday, and nothing took their place.", lost[channel], channel))
	}
	d.each("deliveries", Wrong, "Admin, Delivery log says why, message by message.", "What was sent since yesterday has arrived.", problems)
	if over > 0 {
		d.found("deliveries", Look, "Admin, Delivery log says why, message by message.", "%d messages since yesterday went to a second address because the first failed.", over)
	}
	return nil
}
