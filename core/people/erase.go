package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Keeper keeps data of persons somewhere. app lists them.
type Keeper interface {
	// Kept is a word for it, and what erasing leaves of it and why; "" when nothing is left.
	Kept() (what, remains string)
	// Export writes what is held on the person.
	Export(ctx context.Context, p Person, to Archive) error
	// Erase forgets the person, within the transaction that ctx carries.
	Erase(ctx context.Context, p Person, f Forget) error
}

// Archive takes the files of an export, one after the other.
type Archive interface {
	File(name string, write func(w io.Writer) error) error
}

// JSON writes one value as a file of an archive.
func JSON(to Archive, name string, v any) error {
	return to.File(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}

// Forget is what is looked for of a person, and what stands in its place.
type Forget struct {
	Pseudonym string   `json:"pseudonym"`
	Names     []string `json:"names"`     // the full name, and the handle as others wrote it
	Addresses []string `json:"addresses"` // e-mail and other addresses
}

// A former member's name for people.
const former = "A former member"

// forget says what to look for of the person.
func (p *Person) forget() Forget {
	f := Forget{Pseudonym: "former-" + p.ID[len(p.ID)-8:]}
	if utf8.RuneCountInString(p.FullName) >= 5 || strings.ContainsFunc(p.FullName, unicode.IsSpace) {
		f.Names = append(f.Names, p.FullName)
	}
	f.Names = append(f.Names, "@"+p.Name, "person:"+p.Name)
	if p.Email != "" {
		f.Addresses = append(f.Addresses, p.Email)
	}
	for _, c := range p.Contacts {
		f.Addresses = append(f.Addresses, c.Address)
	}
	for _, a := range slices.Clone(f.Addresses) {
		if k := EmailKey(a); k != a {
			f.Addresses = append(f.Addresses, k)
		}
	}
	slices.Sort(f.Addresses)
	f.Addresses = slices.Compact(f.Addresses)
	return f
}

// Needles are the texts of which one stands in whatever holds something to forget, as JSON writes them.
func (f Forget) Needles() []string {
	var list []string
	for _, s := range slices.Concat(f.Names, f.Addresses) {
		b, err := json.Marshal(s)
		if err == nil && s != "" {
			list = append(list, string(b[1:len(b)-1]))
		}
	}
	return list
}

// Text replaces what is to be forgotten in a text, and reports whether there was any. Names are found as whole words.
func (f Forget) Text(s string) (string, bool) {
	was := s
	for _, a := range f.Addresses {
		s = replaceFold(s, a, "(erased address)")
	}
	for _, n := range f.Names {
		as := former
		if strings.HasPrefix(n, "@") || strings.HasPrefix(n, "person:") {
			as = f.Pseudonym
		}
		s = replaceWord(s, n, as)
	}
	return s, s != was
}

func replaceFold(s, old, by string) string {
	if old == "" {
		return s
	}
	return regexp.MustCompile(`(?i)`+regexp.QuoteMeta(old)).ReplaceAllLiteralString(s, by)
}

// replaceWord replaces old where no letter or digit touches it.
func replaceWord(s, old, by string) string {
	var b strings.Builder
	for from := 0; ; {
		i := strings.Index(s[from:], old)
		if i < 0 || old == "" {
			return b.String() + s[from:]
		}
		begin, end := from+i, from+i+len(old)
		before, _ := utf8.DecodeLastRuneInString(s[:begin])
		after, _ := utf8.DecodeRuneInString(s[end:])
		word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
		b.WriteString(s[from:begin])
		if word(before) && word([]rune(old)[0]) || word(after) {
			b.WriteString(old)
		} else {
			b.WriteString(by)
		}
		from = end
	}
}

// JSON replaces what is to be forgotten in every text of a JSON value, and reports whether there was any.
func (f Forget) JSON(raw json.RawMessage) (json.RawMessage, bool) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return raw, false
	}
	v, changed := f.value(v)
	if !changed {
		return raw, false
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw, false
	}
	return out, true
}

func (f Forget) value(v any) (any, bool) {
	changed := false
	switch x := v.(type) {
	case string:
		return f.Text(x)
	case []any:
		for i := range x {
			y, c := f.value(x[i])
			x[i], changed = y, changed || c
		}
	case map[string]any:
		for k := range x {
			y, c := f.value(x[k])
			x[k], changed = y, changed || c
		}
	}
	return v, changed
}

// Erasure is a person's data on its way out, or gone.
type Erasure struct {
	Person    string    `json:"person"`
	Pseudonym string    `json:"pseudonym"`
	By        string    `json:"by"` // kind:id
	Reason    string    `json:"reason"`
	AskedAt   time.Time `json:"askedAt"`
	DoneAt    time.Time `json:"doneAt,omitzero"` // zero while facts are still being rewritten
	Facts     int64     `json:"facts"`           // that had to forget
	Sealed    string    `json:"-"`               // what is looked for; "" once done
	Project   string    `json:"-"`               // how far the journal was read
	Sequence  int64     `json:"-"`
}

// Erasures keeps the list of erasures.
type Erasures interface {
	// SaveErasure adds one or moves it on, in the transaction that ctx carries.
	SaveErasure(ctx context.Context, e Erasure) error
	// ListErasures lists them, oldest first: all, or those that are not done.
	ListErasures(ctx context.Context, open bool) ([]Erasure, error)
}

// Erase forgets a person who was deactivated: name, addresses, contacts and what the keepers hold go at once, and a pseudonym stays, so
// that history still reads. Facts forget in the background; see Rewriting. It cannot be undone.
func (s *Service) Erase(ctx context.Context, actor mainstay.Actor, id, reason string) (Erasure, error) {
	now := s.cfg.Time.Now()
	reason = strings.TrimSpace(reason)
	if reason == "" || utf8.RuneCountInString(reason) > 500 {
		return Erasure{}, mainstay.Faults{"reason": "Say why, in at most 500 characters. It stays in the journal: name nobody."}.Err()
	}
	var e Erasure
	err := s.cfg.Store.In(ctx, func(ctx context.Context) error {
		return s.cfg.Store.SavePerson(ctx, id, func(p *Person) (commit.Set, error) {
			switch {
			case p.Erased():
				return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "This person's data was erased before.")
			case p.Active():
				return commit.Set{}, mainstay.Errorf(mainstay.Conflict, "Deactivate the person first, so that somebody takes over what they hold.")
			}
			old, forget := p.clone(), p.forget()
			for _, k := range s.keepers() {
				what, _ := k.Kept()
				if err := k.Erase(ctx, old, forget); err != nil {
					return commit.Set{}, fmt.Errorf("erasing %s: %w", what, err)
				}
			}
			sealed, err := s.seal(forget)
			if err != nil {
				return commit.Set{}, err
			}
			e = Erasure{Person: id, Pseudonym: forget.Pseudonym, By: actor.String(), Reason: reason, AskedAt: now, Sealed: sealed}
			if err := s.cfg.Store.SaveErasure(ctx, e); err != nil {
				return commit.Set{}, err
			}
			*p = Person{
				ID: id, Name: forget.Pseudonym, FullName: former, Zone: "UTC", Language: "en", CreatedAt: old.CreatedAt,
				DeactivatedAt: old.DeactivatedAt, ErasedAt: now, Version: old.Version,
			}
			return p.save(now, actor, old, fact.PersonErased{Pseudonym: forget.Pseudonym, Reason: reason})
		})
	})
	return e, err
}

func (s *Service) keepers() []Keeper {
	if s.cfg.Keepers == nil {
		return nil
	}
	return s.cfg.Keepers()
}

// Keepers lists what is held of persons, and what erasing leaves of it and why.
func (s *Service) Keepers() (list []Kept) {
	for _, k := range s.keepers() {
		what, remains := k.Kept()
		list = append(list, Kept{what, remains})
	}
	return list
}

// Kept is one place that holds data of persons; Remains is what erasing leaves of it and why.
type Kept struct{ What, Remains string }

func (s *Service) seal(f Forget) (string, error) {
	if s.cfg.Sealer == nil {
		return "", mainstay.Errorf(mainstay.Unavailable, "Erasing needs a secret key, and this installation has none.")
	}
	b, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return s.cfg.Sealer.Seal(string(b))
}

// Export writes everything that is held on the person, and notes that it was taken out.
func (s *Service) Export(ctx context.Context, actor mainstay.Actor, id string, to Archive) error {
	p, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", actor, fact.PersonExported{}, p.Ref())}})
	})
	if err != nil {
		return err
	}
	for _, k := range s.keepers() {
		what, _ := k.Kept()
		if err := k.Export(ctx, p, to); err != nil {
			return fmt.Errorf("exporting %s: %w", what, err)
		}
	}
	return nil
}

// Erasures lists the erasures, oldest first.
func (s *Service) Erasures(ctx context.Context) ([]Erasure, error) {
	return s.cfg.Store.ListErasures(ctx, false)
}

// Rewriting is how facts forget. Facts that were not looked at are after Sequence of Project, and in the projects after it.
type Rewriting interface {
	// Forget rewrites a stretch of the journal, from where the erasure stands, and returns where it stands then. It runs in
	// transactions of its own.
	Forget(ctx context.Context, e Erasure, f Forget) (next Erasure, done bool, err error)
}

// Continue brings the erasures to an end that are not, a stretch at a time.
func (s *Service) Continue(ctx context.Context, r Rewriting) error {
	list, err := s.cfg.Store.ListErasures(ctx, true)
	if err != nil {
		return err
	}
	for _, e := range list {
		var f Forget
		plain, err := s.cfg.Sealer.Open(e.Sealed)
		if err == nil {
			err = json.Unmarshal([]byte(plain), &f)
		}
		if err != nil {
			return fmt.Errorf("what to forget of %s cannot be read: %w", e.Person, err)
		}
		for done := false; !done; {
			if e, done, err = r.Forget(ctx, e, f); err != nil {
				return fmt.Errorf("the journal forgets %s: %w", e.Person, err)
			}
			if err := s.moveOn(ctx, e, done); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) moveOn(ctx context.Context, e Erasure, done bool) error {
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if !done {
			return s.cfg.Store.SaveErasure(ctx, e)
		}
		now := s.cfg.Time.Now()
		e.DoneAt, e.Sealed = now, ""
		if err := s.cfg.Store.SaveErasure(ctx, e); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, "", mainstay.System("people"),
			fact.PersonErased{Pseudonym: e.Pseudonym, Facts: e.Facts, Done: true}, mainstay.Ref{Kind: mainstay.KindPerson, ID: e.Person})}})
	})
}

// Again erases once more the persons of the list who are there with their data: a backup from before their erasure was restored.
// It returns how many that were.
func (s *Service) Again(ctx context.Context, list []Erasure) (n int, err error) {
	for _, e := range list {
		p, failed := s.ByID(ctx, e.Person)
		if mainstay.Is(failed, mainstay.NotFound) || failed == nil && p.Erased() {
			continue
		}
		by := mainstay.System("restore")
		if failed == nil && p.Active() {
			failed = s.Deactivate(ctx, by, p.ID, Successors{})
		}
		if failed == nil {
			_, failed = s.Erase(ctx, by, p.ID, e.Reason)
		}
		if failed != nil { // the others are erased all the same
			err = errors.Join(err, fmt.Errorf("erasing %s again: %w", e.Person, failed))
			continue
		}
		n++
	}
	return n, err
}
