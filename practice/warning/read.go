package warning

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/object"
)

// Query selects alerts. Zero fields select everything.
type Query struct {
	Projects []string // ids; nil for all, empty for none
	Service  string   // id
	State    State
	Open     bool // firing or suppressed
	Severity mainstay.Severity
	Text     string // words of the title or of a label's value, in lower case
	Match    []Matcher
	Before   int64 // number; exclusive
	Limit    int   // default 100, at most 1,000
}

// MatchOp is how a matcher compares.
type MatchOp string

// The ways of comparing: =, !=, =~, !~.
const (
	Equal     MatchOp = "="
	NotEqual  MatchOp = "!="
	Regexp    MatchOp = "=~"
	NotRegexp MatchOp = "!~"
)

// Matcher is a condition on a label. An absent label has the value "".
type Matcher struct {
	Name  string
	Op    MatchOp
	Value string
	re    *regexp.Regexp
}

// NewMatcher makes a matcher; a pattern is anchored and at most 1 KiB long.
func NewMatcher(name string, op MatchOp, value string) (Matcher, error) {
	m := Matcher{Name: name, Op: op, Value: value}
	if name == "" || len(name)+len(value) > maxPattern {
		return m, mainstay.Errorf(mainstay.Invalid, "a matcher needs a label's name, and name and value together at most %d bytes", maxPattern)
	}
	if op == Regexp || op == NotRegexp {
		re, err := anchored(value)
		if err != nil {
			return m, mainstay.Errorf(mainstay.Invalid, "%v", err)
		}
		m.re = re
	}
	return m, nil
}

// Matches reports whether the condition holds for a label set in canonical JSON.
func (m Matcher) Matches(labels string) bool {
	v, _ := intake.Lookup(labels, m.Name)
	switch m.Op {
	case Equal:
		return v == m.Value
	case NotEqual:
		return v != m.Value
	case Regexp:
		return m.re != nil && m.re.MatchString(v)
	}
	return m.re != nil && !m.re.MatchString(v)
}

func (q Query) matches(a *Alert) bool {
	if q.Projects != nil && !slices.Contains(q.Projects, a.Project) || q.Service != "" && a.Service != q.Service ||
		q.State != "" && a.State != q.State || q.Open && !a.Open() || q.Severity != "" && a.Severity != q.Severity {
		return false
	}
	if q.Text != "" && !strings.Contains(strings.ToLower(a.Title()), q.Text) && !strings.Contains(strings.ToLower(a.Labels), q.Text) {
		return false
	}
	return !slices.ContainsFunc(q.Match, func(m Matcher) bool { return !m.Matches(a.Labels) })
}

// scanLimit bounds how many rows one page of a list reads while it looks for labels.
const scanLimit = 20_000

// List lists alerts, newest first, and returns the cursor of the next page, "" at the end. Every alert that existed when the first
// page was read is on exactly one page. With conditions on labels a page may hold fewer than asked for, even none, and go on.
func (s *Service) List(ctx context.Context, q Query) (list []*Alert, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	list = []*Alert{}
	if q.Projects != nil && len(q.Projects) == 0 {
		return list, "", nil
	}
	if (q.Open || q.State == Firing || q.State == Suppressed) && (len(q.Match) > 0 || q.Text != "") && s.Ready() == nil {
		list, next = s.listOpen(q) // memory holds all of them, and rows would have to be read one by one
		return list, next, nil
	}
	for read := 0; ; {
		page := q
		if page.Limit = q.Limit + 1; len(q.Match) > 0 || q.Text != "" {
			page.Limit = 1001
		}
		rows, err := s.cfg.Reading.Alerts(ctx, page)
		if err != nil {
			return nil, "", err
		}
		more := len(rows) == page.Limit
		for _, a := range rows {
			if len(list) == q.Limit {
				return list, strconv.FormatInt(q.Before, 10), nil
			}
			q.Before = a.Number
			if a = s.fresh(a); len(q.Match) == 0 && q.Text == "" || q.matches(a) {
				list = append(list, a)
			}
		}
		if !more {
			return list, "", nil
		}
		if read += len(rows); read >= scanLimit {
			return list, strconv.FormatInt(q.Before, 10), nil
		}
	}
}

// listOpen is List for conditions under which only open alerts can be.
func (s *Service) listOpen(q Query) (list []*Alert, next string) {
	want := func(a *Alert) bool { return (q.Before == 0 || a.Number < q.Before) && q.matches(a) }
	list = s.open.all(q.Limit+1, want, func(a, b *Alert) int { return cmp.Compare(b.Number, a.Number) })
	if len(list) > q.Limit {
		list = list[:q.Limit]
		next = strconv.FormatInt(list[q.Limit-1].Number, 10)
	}
	return list, next
}

// ParseCursor reads a cursor of List into the query.
func ParseCursor(q *Query, cursor string) error {
	if cursor == "" {
		return nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n <= 0 {
		return mainstay.Errorf(mainstay.Invalid, "the cursor is not one of ours: give back the next of the page before, unchanged")
	}
	q.Before = n
	return nil
}

// fresh is the alert as memory knows it, where the row lags behind.
func (s *Service) fresh(a *Alert) *Alert {
	if !a.Open() {
		return a
	}
	if now := s.open.get(a.key()); now != nil && now.Number == a.Number {
		return now
	}
	return a
}

// Alert finds an alert by id or readable number. NotFound when there is none.
func (s *Service) Alert(ctx context.Context, key string) (*Alert, error) {
	missing := mainstay.Errorf(mainstay.NotFound, "There is no alert %q.", clean(key, 60))
	n, ok := NumberOf(key)
	if !ok {
		return nil, missing
	}
	a, err := s.cfg.Reading.AlertByNumber(ctx, n)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && mainstay.ValidID(key) && a.ID() != key {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return s.fresh(a), nil
}

// Object is the alert's entry as the register would have it: alerts are too many to be in it.
func (s *Service) Object(ctx context.Context, key string) (object.Object, error) {
	a, err := s.Alert(ctx, key)
	if err != nil {
		return object.Object{}, err
	}
	return object.Object{
		Ref: a.Ref(), Number: a.Number, Project: a.Project, Title: a.Title(), State: string(a.State), Updated: a.UpdatedAt,
	}, nil
}

// Open lists the open alerts that the query selects, worst and then newest first. It reads memory only; Before and Limit bound it as
// in List, except that Limit 0 is no limit.
func (s *Service) Open(_ context.Context, q Query) []*Alert {
	want := func(a *Alert) bool { return (q.Before == 0 || a.Number < q.Before) && q.matches(a) }
	return s.open.all(q.Limit, want, func(a, b *Alert) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(b.Number, a.Number))
	})
}

// Count is how many open alerts there are in the projects; nil for all.
func (s *Service) Count(projects []string) int {
	s.open.mu.RLock()
	defer s.open.mu.RUnlock()
	if projects == nil {
		return s.open.len()
	}
	n := 0
	for _, p := range projects {
		n += s.open.counted(p)
	}
	return n
}

// Resolve ends an open alert on a person's word. An alert that is over already is a Conflict. When its sender still sees the
// condition, it comes back as a new alert.
func (s *Service) Resolve(ctx context.Context, actor mainstay.Actor, id string) error {
	a, err := s.Alert(ctx, id)
	if err != nil {
		return err
	}
	j := &job{resolve: &resolving{key: a.key(), number: a.Number, by: actor}, done: make(chan error, 1)}
	if err := s.submit(ctx, j); err != nil {
		return err
	}
	if !j.resolve.found {
		return mainstay.Errorf(mainstay.Conflict, "%s is over already.", a.Readable())
	}
	return nil
}

var _ intake.Sink = (*Service)(nil)

// Ready is nil once alerts are taken.
func (s *Service) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errors.New("warning: the open alerts are still being loaded")
	}
	return nil
}
