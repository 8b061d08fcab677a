package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Views keeps the saved views of lists.
type Views interface {
	// Of lists the views of one list that the viewer may use, and with "" those of all lists that the viewer has pinned.
	Of(ctx context.Context, v access.Viewer, list string) ([]SavedView, error)
}

// SavedView is a list's query under a name.
type SavedView struct {
	ID, List, Title string
	Path, Query     string // "/incidents" and "severity=sev-1"
	Shared          string // the project that it is shared with, as people call it; "" for the viewer's own
	Pinned, Default bool   // for this viewer
}

// URL is the address of the list as the view shows it.
func (s SavedView) URL() string {
	if s.Query == "" {
		return s.Path + "?view=" + s.ID
	}
	return s.Path + "?" + s.Query + "&view=" + s.ID
}

// ListSpec says by what a list can be narrowed and ordered, and what can be done to its rows. Everything is in the query of the
// address, so the address is the view.
type ListSpec struct {
	Name    string // "incidents": saved views hang on it
	Label   string // "Incidents"
	Path    string // "/incidents"
	Tab     Filter // shown as tabs; zero for none
	Filters []Filter
	Sorts   []ui.Option // the first is the usual one; fewer than two offer no choice
	Size    int         // rows of a page; 50 when 0
	Bulk    string      // the pattern given to Router.Bulk; "" for none
	Acts    []ui.BulkAct
}

// Filter is one condition. Without Options it is a text; Type may then be that of an input, such as "date".
type Filter struct {
	Name, Label, Type string
	Options           []ui.Option
	Placeholder       string
	N                 map[string]int // numbers beside tabs, by value
}

// Listing is one request for a list.
type Listing struct {
	spec   ListSpec
	c      *Ctx
	values url.Values
	views  []SavedView
	fault  map[string]string

	Dense       bool
	next, count string
}

// errAnswered ends a handler whose request was answered already.
var errAnswered = errors.New("answered")

// List reads the query of a list. A request for the bare address of a list is sent on to the viewer's default view of it, if
// they have one; then the error ends the handler.
func (c *Ctx) List(spec ListSpec) (*Listing, error) {
	q := c.R.URL.Query()
	l := c.Listing(spec, q)
	if c.rt.cfg.Views == nil || c.Viewer.PersonID == "" {
		return l, nil
	}
	var err error
	if l.views, err = c.rt.cfg.Views.Of(c.Context(), c.Viewer, spec.Name); err != nil {
		return nil, err
	}
	if len(q) == 0 && c.R.Method == http.MethodGet {
		for _, v := range l.views {
			if v.Default {
				_ = c.See(v.URL()) // always nil
				return nil, errAnswered
			}
		}
	}
	return l, nil
}

// Listing reads the query of a list from values, without a redirect: for what is done to all that match.
func (c *Ctx) Listing(spec ListSpec, q url.Values) *Listing {
	if spec.Size == 0 {
		spec.Size = 50
	}
	l := &Listing{spec: spec, c: c, values: url.Values{}, fault: map[string]string{}}
	for _, f := range l.conditions() {
		v := strings.TrimSpace(q.Get(f.Name))
		if len(v) > 500 || len(f.Options) > 0 && !slices.ContainsFunc(f.Options, func(o ui.Option) bool { return o.Value == v }) {
			v = ""
		}
		if v != "" {
			l.values.Set(f.Name, v)
		}
	}
	if v := q.Get("sort"); len(spec.Sorts) > 1 && slices.ContainsFunc(spec.Sorts[1:], func(o ui.Option) bool { return o.Value == v }) {
		l.values.Set("sort", v)
	}
	if l.Dense = q.Get("rows") == "dense"; l.Dense {
		l.values.Set("rows", "dense")
	}
	return l
}

func (l *Listing) conditions() []Filter {
	if l.spec.Tab.Name == "" {
		return l.spec.Filters
	}
	return append([]Filter{l.spec.Tab}, l.spec.Filters...)
}

// Value is what a filter or "sort" is set to: one of its options, a text, or "".
func (l *Listing) Value(name string) string {
	v := l.values.Get(name)
	if name == "sort" && v == "" && len(l.spec.Sorts) > 0 {
		return l.spec.Sorts[0].Value
	}
	if v == "" && name == l.spec.Tab.Name && len(l.spec.Tab.Options) > 0 {
		return l.spec.Tab.Options[0].Value
	}
	return v
}

// Day is a date of a filter as the beginning of that day in the viewer's zone; the zero time when none or a wrong one is given,
// in which case the filter says so.
func (l *Listing) Day(name string) time.Time {
	v := l.values.Get(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateOnly, v, l.c.Viewer.Location())
	if err != nil || t.Year() > 9998 || t.Year() < 1970 {
		l.Fault(name, "Write a date such as 2026-03-17.")
		return time.Time{}
	}
	return t.UTC()
}

// Fault says beside a filter what is wrong with its value.
func (l *Listing) Fault(name, text string) { l.fault[name] = text }

// Status is 422 when a filter is wrong, else 0.
func (l *Listing) Status() int {
	if len(l.fault) > 0 {
		return http.StatusUnprocessableEntity
	}
	return 0
}

// Cursor is where the page begins; "" at the top.
func (l *Listing) Cursor() string { return l.c.Query("cursor") }

// Size is how many rows a page has.
func (l *Listing) Size() int { return l.spec.Size }

// Filtered reports whether anything but the tab narrows the list.
func (l *Listing) Filtered() bool {
	for _, f := range l.spec.Filters {
		if l.values.Get(f.Name) != "" {
			return true
		}
	}
	return false
}

// Rows tells what the page holds: n rows, and the cursor of the next page or "". A list that knows how many there are in all says
// so with total, capped: 1001 means more than 1,000; 0 means that nobody counted.
func (l *Listing) Rows(n int, next string, total int) {
	l.next = next
	switch {
	case total > 1000:
		l.count = fmt.Sprintf("%d of more than 1,000", n)
	case total > 0:
		l.count = fmt.Sprintf("%d of %d", n, total)
	case n == 0:
	case next != "" || l.Cursor() != "":
		l.count = fmt.Sprintf("%d on this page", n)
	default:
		l.count = strconv.Itoa(n) + " in all"
	}
}

// URL is the address of this list with one choice changed; "" takes it away. It always begins at the top.
func (l *Listing) URL(name, value string) string {
	q := url.Values{}
	for k, v := range l.values {
		q[k] = v
	}
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	return l.address(q)
}

func (l *Listing) address(q url.Values) string {
	if len(q) == 0 {
		return l.spec.Path + l.bare()
	}
	return l.spec.Path + "?" + q.Encode()
}

// bare keeps the address of the whole list apart from the one that opens the default view.
func (l *Listing) bare() string {
	if slices.ContainsFunc(l.views, func(v SavedView) bool { return v.Default }) {
		return "?view=none"
	}
	return ""
}

// View is what the page shows around the rows.
func (l *Listing) View() ui.Listing {
	s := l.spec
	v := ui.Listing{
		Name: s.Name, Label: s.Label, Path: s.Path, Dense: l.Dense, Query: l.values.Encode(), Count: l.count,
		MaySave: l.c.rt.cfg.Views != nil && l.c.Viewer.PersonID != "",
	}
	l.choices(&v)
	if l.Dense {
		v.DenseURL = l.URL("rows", "")
	} else {
		v.DenseURL = l.URL("rows", "dense")
	}
	if l.Filtered() {
		q := url.Values{}
		for _, p := range v.Kept {
			q.Set(p.Name, p.Value)
		}
		v.Clear = l.address(q)
	}
	if l.Cursor() != "" {
		v.First = l.address(l.values)
	}
	if l.next != "" {
		v.Next = l.URL("cursor", l.next)
	}
	here := l.c.Query("view")
	for _, x := range l.views {
		v.Views = append(v.Views, ui.ViewLink{Text: x.Title, URL: x.URL(), Note: x.note(), Here: x.ID == here})
	}
	if v.MaySave {
		v.Share = l.c.Sharing()
	}
	if s.Bulk != "" && len(s.Acts) > 0 {
		v.Bulk, v.Acts = s.Bulk, s.Acts
		if l.next != "" || l.Cursor() != "" {
			v.MostBulk = mostBulk
		}
	}
	return v
}

// choices are the tabs, the filters and the orders.
func (l *Listing) choices(v *ui.Listing) {
	s := l.spec
	if s.Tab.Name != "" {
		now := l.Value(s.Tab.Name)
		for i, o := range s.Tab.Options {
			value := o.Value
			if i == 0 {
				value = ""
			}
			v.Tabs = append(v.Tabs, ui.Tab{Text: o.Text, URL: l.URL(s.Tab.Name, value), Here: o.Value == now, N: s.Tab.N[o.Value]})
		}
		if x := l.values.Get(s.Tab.Name); x != "" {
			v.Kept = append(v.Kept, ui.Pair{Name: s.Tab.Name, Value: x})
		}
	}
	if l.Dense {
		v.Kept = append(v.Kept, ui.Pair{Name: "rows", Value: "dense"})
	}
	for _, f := range s.Filters {
		field := ui.Field{Name: f.Name, Label: f.Label, Type: f.Type, Value: l.values.Get(f.Name), Options: f.Options, Placeholder: f.Placeholder, Max: 500, Fault: l.fault[f.Name]}
		if len(f.Options) > 0 {
			field.Type, field.Max = "select", 0
		}
		v.Filters = append(v.Filters, field)
	}
	if len(s.Sorts) > 1 {
		options := slices.Clone(s.Sorts)
		options[0].Value = ""
		v.Sort = &ui.Field{Name: "sort", Label: "Order", Type: "select", Value: l.values.Get("sort"), Options: options}
	}
}

func (s SavedView) note() string {
	switch {
	case s.Default && s.Shared != "":
		return s.Shared + ", opens by itself"
	case s.Default:
		return "opens by itself"
	case s.Shared != "":
		return s.Shared
	}
	return ""
}

// Sharing offers the viewer alone, and the projects in which they may act, to share a view with.
func (c *Ctx) Sharing() []ui.Option {
	options := []ui.Option{{Value: "", Text: "only me"}}
	if c.rt.cfg.Projects == nil {
		return options
	}
	list, err := c.rt.cfg.Projects.List(c.Context(), c.Viewer)
	if err != nil {
		c.rt.cfg.Log.WarnContext(c.Context(), "projects to share a view with not found out", "err", err)
		return options
	}
	for _, p := range list {
		if c.Viewer.May(access.ActionWrite, p.ID) {
			options = append(options, ui.Option{Value: p.ID, Text: "everybody in " + p.Title})
		}
	}
	return options
}

// ProjectFilter offers the projects that the viewer may read with the permission; nothing when there are fewer than two.
func (c *Ctx) ProjectFilter(perm access.Permission) []Filter {
	if c.rt.cfg.Projects == nil {
		return nil
	}
	list, err := c.rt.cfg.Projects.List(c.Context(), c.Viewer)
	if err != nil {
		c.rt.cfg.Log.WarnContext(c.Context(), "projects for a filter not found out", "err", err)
	}
	options := []ui.Option{{Value: "", Text: "every project"}}
	for _, p := range list {
		if c.Viewer.May(perm, p.ID) {
			options = append(options, ui.Option{Value: p.Name, Text: p.Title})
		}
	}
	if len(options) < 3 {
		return nil
	}
	return []Filter{{Name: "project", Label: "Project", Options: options}}
}

// Within is where a list may look: the projects in which the viewer holds the permission, narrowed to the one that the filter
// "project" names. nil is all of them.
func (l *Listing) Within(perm access.Permission) ([]string, error) {
	all, ids, err := l.c.rt.Scope(l.c.Context(), perm, l.values.Get("project"))
	if err != nil || all {
		return nil, err
	}
	return append([]string{}, ids...), nil
}

// SeverityOptions are the choices of a filter by severity.
func SeverityOptions() []ui.Option {
	options := []ui.Option{{Value: "", Text: "every severity"}}
	for _, s := range mainstay.Severities() {
		options = append(options, ui.Option{Value: string(s), Text: string(s)})
	}
	return options
}
