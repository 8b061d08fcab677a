package escalationdb

import (
	"context"
	"errors"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/practice/escalation"
	"github.com/mainstayhq/mainstay/storage"
)

// In runs f in one urgent write transaction; see escalation.PageStore.
func (s *Store) In(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Write(ctx, storage.Urgent, f)
}

// Claim notes that a request was served; see escalation.PageStore.
func (s *Store) Claim(ctx context.Context, request, page string) (bool, error) {
	n, err := s.db.Exec(ctx, `INSERT INTO page_request (request, page) VALUES ($1, $2) ON CONFLICT DO NOTHING`, request, page)
	return n == 1, err
}

const pageColumns = `id, number, project, request, title, severity, service, reason, policy, state, step, round, generation,
	next_at, opened_at, acked_at, acked_by, acked_via, ended_at, end_reason, version`

func scanPage(s storage.Scanner) (escalation.Page, error) {
	var p escalation.Page
	var by string
	err := s(&p.ID, &p.Number, &p.Project, &p.Request, &p.Title, &p.Severity, &p.Service, &p.Reason, storage.IntoJSON(&p.Policy),
		&p.State, &p.Step, &p.Repeat, &p.Generation, storage.Into(&p.NextAt), storage.Into(&p.Opened), storage.Into(&p.Acked),
		&by, &p.AckedVia, storage.Into(&p.Ended), &p.EndReason, &p.Version)
	p.AckedBy = actorOf(by)
	return p, err
}

// CreatePage numbers and writes a page; see escalation.PageStore.
func (s *Store) CreatePage(ctx context.Context, p *escalation.Page, f func(*escalation.Page) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		var err error
		if p.Number, err = s.objects.NextNumber(ctx, mainstay.KindPage); err != nil {
			return err
		}
		set, err := f(p)
		if err != nil {
			return err
		}
		p.Version = 1
		if _, err := s.db.Exec(ctx, `INSERT INTO page (`+pageColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
			p.ID, p.Number, p.Project, p.Request, p.Title, string(p.Severity), p.Service, p.Reason, storage.JSON(p.Policy),
			string(p.State), p.Step, p.Repeat, p.Generation, storage.Micros(p.NextAt), storage.Micros(p.Opened),
			storage.Micros(p.Acked), actorText(p.AckedBy), p.AckedVia, storage.Micros(p.Ended), p.EndReason, p.Version); err != nil {
			return err
		}
		return s.finish(ctx, p, 0, set)
	})
}

// finish writes what belongs to a page beside its row, and the set. had is how many steps were written before.
func (s *Store) finish(ctx context.Context, p *escalation.Page, had int, set commit.Set) error {
	for i, sub := range p.Subjects {
		if _, err := s.db.Exec(ctx, `INSERT INTO page_subject (page, subject, position, ended_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (page, subject) DO UPDATE SET ended_at = excluded.ended_at`,
			p.ID, sub.Ref.String(), i, storage.Micros(sub.Ended)); err != nil {
			return err
		}
	}
	for i := had; i < len(p.Log); i++ {
		if _, err := s.db.Exec(ctx, `INSERT INTO page_step (page, number, taken) VALUES ($1, $2, $3)`, p.ID, i, storage.JSON(p.Log[i])); err != nil {
			return err
		}
		for _, r := range p.Log[i].Reached {
			if _, err := s.db.Exec(ctx, `INSERT INTO page_person (person, page) VALUES ($1, $2) ON CONFLICT DO NOTHING`, r.Person, p.ID); err != nil {
				return err
			}
		}
	}
	set.Timers = append(set.Timers, timersOf(p)...)
	return s.saver.Save(ctx, set)
}

func timersOf(p *escalation.Page) []timer.Timer {
	if t, ok := p.Timer(); ok {
		return []timer.Timer{t}
	}
	return nil
}

// UpdatePage loads, changes and saves a page; see escalation.PageStore. The timer's row is taken before the page's: whoever
// fires it holds it first, and two transactions that take both in one order cannot block each other.
func (s *Store) UpdatePage(ctx context.Context, id string, f func(context.Context, *escalation.Page) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Urgent, func(ctx context.Context) error {
		if err := s.saver.Save(ctx, commit.Set{Cancel: []commit.CancelTimer{{Kind: escalation.StepTimer, Subject: id}}}); err != nil {
			return err
		}
		p, err := storage.One(ctx, s.db, scanPage, `SELECT `+pageColumns+` FROM page WHERE id = $1`+s.db.Locking(), id)
		if err != nil {
			return err
		}
		list := []escalation.Page{p}
		if err := s.logs(ctx, list); err != nil {
			return err
		}
		if err := storage.Holds(ctx, p.ID, p.Version); err != nil {
			return err
		}
		p = list[0]
		had := len(p.Log)
		set, err := f(ctx, &p)
		if errors.Is(err, escalation.ErrUnchanged) {
			return s.saver.Save(ctx, commit.Set{Timers: timersOf(&p)})
		}
		if err != nil {
			return err
		}
		n, err := s.db.Exec(ctx, `UPDATE page SET state = $1, step = $2, round = $3, generation = $4, next_at = $5, acked_at = $6,
			acked_by = $7, acked_via = $8, ended_at = $9, end_reason = $10, version = version + 1 WHERE id = $11 AND version = $12`,
			string(p.State), p.Step, p.Repeat, p.Generation, storage.Micros(p.NextAt), storage.Micros(p.Acked), actorText(p.AckedBy),
			p.AckedVia, storage.Micros(p.Ended), p.EndReason, p.ID, p.Version)
		if err != nil {
			return err
		}
		if n == 0 {
			return mainstay.Errorf(mainstay.Conflict, "%s was changed at the same moment. Nothing was written; try again.", p.Key())
		}
		return s.finish(ctx, &p, had, set)
	})
}

// Pages lists pages, newest first; see escalation.PageStore.
func (s *Store) Pages(ctx context.Context, q escalation.PageQuery) ([]escalation.Page, error) {
	var c conditions
	if q.ID != "" {
		c.add("id = ?", q.ID)
	}
	if !q.Subject.IsZero() {
		c.add("id IN (SELECT page FROM page_subject WHERE subject = ?)", q.Subject.String())
	}
	if q.Person != "" {
		c.add("id IN (SELECT page FROM page_person WHERE person = ?)", q.Person)
	}
	if q.Acked != "" {
		c.add("acked_by = ?", actorText(mainstay.Person(q.Acked)))
	}
	if q.Severity != "" {
		c.add("severity = ?", string(q.Severity))
	}
	if q.Text != "" {
		c.add("lower(title) LIKE ?", storage.Containing(q.Text))
	}
	if !q.From.IsZero() {
		c.add("opened_at >= ?", storage.Micros(q.From))
	}
	if !q.Until.IsZero() {
		c.add("opened_at < ?", storage.Micros(q.Until))
	}
	if q.Projects != nil {
		c.words = append(c.words, s.db.In("project", c.parameter(storage.List(q.Projects))))
	}
	if len(q.States) > 0 {
		words := make([]string, len(q.States))
		for i, st := range q.States {
			words[i] = string(st)
		}
		c.words = append(c.words, s.db.In("state", c.parameter(storage.List(words))))
	}
	if q.Before > 0 {
		c.add("number < ?", q.Before)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	var list []escalation.Page
	err := s.db.View(ctx, func(ctx context.Context) (err error) {
		query := `SELECT ` + pageColumns + ` FROM page` + c.where() + ` ORDER BY number DESC LIMIT ` + c.parameter(min(limit, 1000))
		if list, err = storage.All(ctx, s.db, scanPage, query, c.args...); err != nil {
			return err
		}
		return s.logs(ctx, list)
	})
	return list, err
}

type subjectRow struct {
	page string
	escalation.Subject
}

type stepRow struct {
	page string
	escalation.Taken
}

// logs adds subjects and steps to pages.
func (s *Store) logs(ctx context.Context, list []escalation.Page) error {
	if len(list) == 0 {
		return nil
	}
	at := map[string]*escalation.Page{}
	var ids []string
	for i := range list {
		at[list[i].ID] = &list[i]
		ids = append(ids, list[i].ID)
	}
	subjects, err := storage.All(ctx, s.db, func(sc storage.Scanner) (subjectRow, error) {
		var r subjectRow
		var ref string
		err := sc(&r.page, &ref, storage.Into(&r.Ended))
		r.Ref = mainstay.ParseRef(ref)
		return r, err
	}, `SELECT page, subject, ended_at FROM page_subject WHERE `+s.db.In("page", "$1")+` ORDER BY page, position`, storage.List(ids))
	if err != nil {
		return err
	}
	for _, r := range subjects {
		at[r.page].Subjects = append(at[r.page].Subjects, r.Subject)
	}
	steps, err := storage.All(ctx, s.db, func(sc storage.Scanner) (stepRow, error) {
		var r stepRow
		err := sc(&r.page, storage.IntoJSON(&r.Taken))
		return r, err
	}, `SELECT page, taken FROM page_step WHERE `+s.db.In("page", "$1")+` ORDER BY page, number`, storage.List(ids))
	for _, r := range steps {
		at[r.page].Log = append(at[r.page].Log, r.Taken)
	}
	return err
}
