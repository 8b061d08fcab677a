package incidentdb

import (
	"context"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/incident"
	"github.com/mainstayhq/mainstay/storage"
)

// where gathers conditions and their parameters.
type where struct {
	conds []string
	args  []any
}

// add appends a condition; each ? takes the next value.
func (w *where) add(cond string, values ...any) {
	for _, v := range values {
		w.args = append(w.args, v)
		cond = strings.Replace(cond, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.conds = append(w.conds, cond)
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(w.conds, ` AND `)
}

// List reads one page, newest first; see incident.Store.
func (s *Store) List(ctx context.Context, q incident.Query) (incident.Page, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	w, err := s.conditions(q)
	if err != nil {
		return incident.Page{}, err
	}
	var p incident.Page
	err = s.db.View(ctx, func(ctx context.Context) error {
		list, err := storage.All(ctx, s.db, scan, `SELECT `+columns+` FROM incident`+w.String()+
			` ORDER BY id DESC LIMIT `+strconv.Itoa(q.Limit+1), w.args...)
		if err != nil {
			return err
		}
		if p.Items = list; len(list) > q.Limit {
			p.Items = list[:q.Limit]
			p.Next = p.Items[q.Limit-1].ID
		}
		return s.loadParts(ctx, p.Items)
	})
	return p, err
}

func (s *Store) conditions(q incident.Query) (where, error) {
	var w where
	if q.Projects != nil {
		w.add(s.db.In("project", "?"), storage.List(q.Projects))
	}
	if len(q.States) > 0 { // few and known words; written out, so that the partial index serves
		words := make([]string, len(q.States))
		for i, st := range q.States {
			if !st.Valid() {
				return w, mainstay.Errorf(mainstay.Invalid, "There is no state %q.", st)
			}
			words[i] = "'" + string(st) + "'"
		}
		w.add("state IN (" + strings.Join(words, ", ") + ")")
	}
	if q.Severity != "" {
		w.add("severity = ?", string(q.Severity))
	}
	if q.Service != "" {
		w.add("services LIKE ?", `%"`+strings.NewReplacer("%", "", "_", "", `"`, "").Replace(q.Service)+`"%`)
	}
	if q.Text != "" {
		w.add("lower(title) LIKE ?", storage.Containing(q.Text))
	}
	if q.Holder != "" {
		w.add("id IN (SELECT r.incident FROM incident_role r WHERE r.person = ?)", q.Holder)
	}
	if !q.From.IsZero() {
		w.add("declared_at >= ?", storage.Micros(q.From))
	}
	if !q.Until.IsZero() {
		w.add("declared_at < ?", storage.Micros(q.Until))
	}
	if !q.Linked.IsZero() {
		w.add("id IN (SELECT l.incident FROM incident_link l WHERE l.id = ? AND l.kind = ?)", q.Linked.ID, string(q.Linked.Kind))
	}
	if q.Request != "" {
		w.add("request = ?", q.Request)
	}
	if q.Hide && !q.ManagesAll {
		w.add("(NOT private OR "+s.db.In("project", "?")+
			" OR id IN (SELECT r.incident FROM incident_role r WHERE r.person = ? AND r.person <> '')"+
			" OR declared_kind = 'person' AND declared_id = ?)", storage.List(q.Manages), q.Viewer, q.Viewer)
	}
	if q.Cursor != "" {
		if !mainstay.ValidID(q.Cursor) {
			return w, mainstay.Errorf(mainstay.Invalid, "This cursor is not one of this list. Begin without a cursor.")
		}
		w.add("id < ?", q.Cursor)
	}
	return w, nil
}
