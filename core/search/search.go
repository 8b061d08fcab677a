// Package search owns the one index over every object's title, number, name and text, and the ranking of what it finds. It never
// finds what the viewer may not read, and no text that a person types is ever an error.
package search

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
)

// Query is what to find.
type Query struct {
	Text    string
	Kinds   []mainstay.Kind // only these kinds; nil for all that have pages
	Project string          // only this project's id; "" for all
	Prefix  bool            // the last word may be unfinished, as in the palette
	Any     bool            // rank by any of the words at once, instead of those with all words first
	Limit   int             // 20 when 0, at most 1,000
	Cursor  string          // the Cursor of the last hit of the page before
}

// Hit is one object found. Spans is an excerpt of its text, in pieces of which some matched; a page escapes each piece.
type Hit struct {
	Ref     mainstay.Ref
	Number  int64
	Project string
	Name    string
	Title   string
	State   string
	Updated time.Time
	Spans   []Span
	Score   float64 // higher is better; comparable within one answer only
	Cursor  string  // as Query.Cursor it continues after this hit
}

// Span is a piece of an excerpt.
type Span struct {
	Text   string `json:"text"`
	Marked bool   `json:"marked,omitempty"` // it is one of the words searched for
}

// Key is the short readable identifier: number, name or id.
func (h Hit) Key() string {
	return object.Object{Ref: h.Ref, Number: h.Number, Name: h.Name}.Key()
}

// URL is the path of the object's page.
func (h Hit) URL() string { return object.URL(h.Ref.Kind, h.Key()) }

// Excerpt is the excerpt as plain text.
func (h Hit) Excerpt() string {
	var b strings.Builder
	for _, s := range h.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Found is a row of the index with its rank.
type Found struct {
	Hit
	Body string
}

// Scope is a set of kinds and the projects in which the viewer may read them.
type Scope struct {
	Kinds    []mainstay.Kind
	Projects []string // ids
	All      bool     // every project
}

// Match is a question to the index, made of clean words only.
type Match struct {
	Words      []string // lower-case letters and digits; at least one, unless Exact is set
	Prefix     bool     // the last word may be unfinished
	Any        bool     // one of the words suffices
	Scopes     []Scope  // what the viewer may read; none finds nothing
	Private    Scope    // where private objects may be read; its kinds do not count
	Known      []string // ids of more private objects that may be read
	OnlyIn     string   // project id; "" for all
	Limit      int
	ExactKind  mainstay.Kind // with ExactNo: the object of that kind and number; "" for any kind
	ExactNo    int64
	ExactName  string // the objects of that name
	wantsExact bool
}

// Exact reports whether the match asks for a number or a name instead of words.
func (m Match) Exact() bool { return m.wantsExact }

// Store is the index.
type Store interface {
	// Match returns what the question finds, best first.
	Match(ctx context.Context, m Match) ([]Found, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store Store
	// Reads says which permission lets a viewer see objects of a kind.
	Reads func(kind mainstay.Kind) access.Permission
}

// Service finds objects.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Reads == nil {
		return nil, errors.New("search needs a Store and Reads")
	}
	return &Service{cfg}, nil
}

// Kinds are the kinds that search finds: those of the register that have pages.
func Kinds() []mainstay.Kind {
	return []mainstay.Kind{
		mainstay.KindIncident, mainstay.KindRootCause, mainstay.KindArticle, mainstay.KindAction, mainstay.KindPage,
		mainstay.KindProject, mainstay.KindService, mainstay.KindTeam, mainstay.KindPerson, mainstay.KindRoute,
		mainstay.KindSchedule, mainstay.KindPolicy, mainstay.KindPlan, mainstay.KindComponent, mainstay.KindWindow,
	}
}

const (
	defaultLimit = 20
	maxLimit     = 1000
	maxWords     = 16
	maxWord      = 64 // runes
)

// Find returns what the viewer may read, best first: the object of that very number or name, then what has all words (a match in
// the title counts more), then what has some. A text without a word finds nothing.
func (s *Service) Find(ctx context.Context, v access.Viewer, q Query) ([]Hit, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	skip, _ := strconv.Atoi(q.Cursor) // a cursor that is none begins anew
	skip = min(max(skip, 0), maxLimit)
	q.Text, q.Project = clean(q.Text), clean(q.Project)
	m := Match{Words: Words(q.Text), Any: q.Any, OnlyIn: q.Project, Limit: min(skip+limit, maxLimit)}
	if n := len(m.Words); n > 0 { // a common word was left out when the text ends otherwise
		m.Prefix = q.Prefix && strings.HasSuffix(strings.ToLower(q.Text), m.Words[n-1])
	}
	m.Scopes = s.scopes(v, q.Kinds)
	m.Private.All, m.Private.Projects, m.Known = v.Private()
	if len(m.Scopes) == 0 {
		return []Hit{}, nil
	}
	found, err := s.exact(ctx, m, q.Text)
	if err == nil && len(m.Words) > 0 {
		found, err = s.words(ctx, m, q.Text, found)
	}
	if err != nil {
		return nil, err
	}
	found = found[min(skip, len(found)):min(skip+limit, len(found))]
	hits := make([]Hit, len(found))
	for i, f := range found {
		hits[i] = f.Hit
		hits[i].Cursor = strconv.Itoa(skip + i + 1)
		hits[i].Spans = excerpt(f.Body, m.Words)
	}
	return hits, nil
}

// words appends what has all words, and then, while there is room, what has some. Whoever typed a number does not want the rest.
func (s *Service) words(ctx context.Context, m Match, text string, found []Found) ([]Found, error) {
	_, _, number := mainstay.ParseNumber(strings.TrimSpace(text))
	passes := []bool{false, true}
	if m.Any || len(m.Words) == 1 || number {
		passes = []bool{m.Any}
	}
	for _, m.Any = range passes {
		if len(found) >= m.Limit {
			break
		}
		more, err := s.cfg.Store.Match(ctx, m)
		if err != nil {
			return nil, err
		}
		found = add(found, more)
	}
	return found, nil
}

// exact finds the object that the text names by its number or name.
func (s *Service) exact(ctx context.Context, m Match, text string) ([]Found, error) {
	text = strings.TrimSpace(text)
	m.wantsExact = true
	if kind, n, ok := mainstay.ParseNumber(text); ok {
		m.ExactKind, m.ExactNo = kind, n
	} else if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		m.ExactNo = n
	} else if text != "" && len(text) <= maxLimit {
		m.ExactName = text
	} else {
		return nil, nil
	}
	return s.cfg.Store.Match(ctx, m)
}

func add(found, more []Found) []Found {
	for _, f := range more {
		if !slices.ContainsFunc(found, func(g Found) bool { return g.Ref == f.Ref }) {
			found = append(found, f)
		}
	}
	return found
}

// scopes says in which projects the viewer may read which kinds. Kinds with the same projects share a scope.
func (s *Service) scopes(v access.Viewer, kinds []mainstay.Kind) []Scope {
	byPermission := map[access.Permission][]mainstay.Kind{}
	for _, k := range Kinds() {
		if len(kinds) == 0 || slices.Contains(kinds, k) {
			p := s.cfg.Reads(k)
			byPermission[p] = append(byPermission[p], k)
		}
	}
	var list []Scope
	for p, kinds := range byPermission {
		if sc, ok := scope(v, p); ok {
			sc.Kinds = kinds
			list = append(list, sc)
		}
	}
	slices.SortFunc(list, func(a, b Scope) int { return cmp.Compare(a.Kinds[0], b.Kinds[0]) })
	return list
}

func scope(v access.Viewer, p access.Permission) (Scope, bool) {
	all, ids := v.Projects(p)
	if v.May(p, mainstay.Installation) {
		ids = append(ids, mainstay.Installation)
	}
	return Scope{Projects: ids, All: all}, all || len(ids) > 0
}

// Words are the words of a text in lower case: runs of letters, digits and marks, at most 16 of at most 64 runes, each once,
// without those that every text has.
func Words(text string) []string {
	var telling []string
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !isWord(r) }) {
		if r := []rune(w); len(r) > maxWord {
			w = string(r[:maxWord])
		}
		if !common[w] && !slices.Contains(telling, w) {
			telling = append(telling, w)
		}
		if len(telling) == maxWords {
			break
		}
	}
	return telling
}

// Begins are the beginnings under which an unfinished word may stand in an index that cuts endings off: the word as typed, and
// without what may become an ending ("connecti" is on its way to "connection", which stands there as "connect").
func Begins(word string) []string {
	list := []string{word}
	for _, end := range []string{"ation", "atio", "ati", "at", "ion", "io", "ing", "in", "ie", "ed", "er", "es", "i", "e", "s"} {
		if root, ok := strings.CutSuffix(word, end); ok && len(root) >= 4 {
			return append(list, root)
		}
	}
	return list
}

// clean makes text that every database takes.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, " "), "\x00", " ")
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// common are words that tell nothing about a text.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`a an and are as at be been but by can did do does for from had has have how i if in into is
		it its of on or our so that the their them then there these they this to was we were what when where which who why will
		with you your`) {
		m[w] = true
	}
	return m
}()
