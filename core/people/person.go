// Package people owns persons, teams and the addresses at which a person can be reached. It never signs anybody in, never
// decides what somebody may do and never sends anything.
package people

import (
	"cmp"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Person is somebody who uses Mainstay, is paged by it, or both.
type Person struct {
	ID            string
	Name          string // the short handle by which manifests and addresses speak of them, such as "ana"; unique
	FullName      string
	Email         string // unique without regard to case; they sign in with it; "" for a person who never signs in
	Zone          string // IANA name, such as "Europe/Lisbon"
	Language      string // such as "en" or "pt-BR"
	Contacts      []Contact
	Preferences   Preferences
	CreatedAt     time.Time
	DeactivatedAt time.Time // zero while active
	ErasedAt      time.Time // when the personal data went; zero while it is there
	Version       int64     // counts the saved changes; 0 before the first
}

// Channel says over what a contact method is reached.
type Channel string

// The channels.
const (
	Email   Channel = "email"
	Webhook Channel = "webhook"
	Push    Channel = "push" // a browser on a device, connected by the device itself
)

// Devices are the contacts that devices made of themselves. Forms and manifests leave them alone: nobody can write them by hand.
func (p *Person) Devices() []Contact {
	var list []Contact
	for _, c := range p.Contacts {
		if c.Channel == Push {
			list = append(list, c)
		}
	}
	return list
}

// Contact is one way to reach a person. The order in Person.Contacts is the order in which they are tried.
type Contact struct {
	ID         string
	Channel    Channel
	Address    string // an e-mail address, or an http(s) URL
	ForPages   bool   // used for pages, at any hour
	VerifiedAt time.Time
	VerifiedBy string // the person or token that vouched for the address
	// Secret signs what is sent to a webhook (HMAC-SHA256), or holds the keys of a device. Only Service.Contacts fills it; of a new
	// device it must be given.
	Secret string
	// Sealed is the secret as the database keeps it.
	Sealed string
}

// Verified reports whether the address is known to reach the person.
func (c Contact) Verified() bool { return !c.VerifiedAt.IsZero() }

// Active reports whether the person may sign in and be paged.
func (p *Person) Active() bool { return p.DeactivatedAt.IsZero() }

// Erased reports whether the person's data is gone: what is left is a pseudonym.
func (p *Person) Erased() bool { return !p.ErasedAt.IsZero() }

// Ref points at the person.
func (p *Person) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindPerson, ID: p.ID} }

// State is the state word: "active" or "deactivated".
func (p *Person) State() string {
	if p.Active() {
		return "active"
	}
	return "deactivated"
}

// Location is the person's zone; UTC when it is not known here.
func (p *Person) Location() *time.Location {
	if l, err := time.LoadLocation(p.Zone); err == nil && p.Zone != "" && p.Zone != "Local" {
		return l
	}
	return time.UTC
}

// clone is a copy that shares nothing with p.
func (p *Person) clone() Person {
	q := *p
	q.Contacts = slices.Clone(p.Contacts)
	q.Preferences = p.Preferences.clone()
	return q
}

var (
	handle   = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$`)
	language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z]{2})?$`)
)

// reserved are handles that are words of addresses, such as /people/new.
var reserved = []string{"new", "me", "edit"}

func nameFault(f *mainstay.Faults, name string) {
	switch {
	case name == "":
		f.Add("name", "Give a short name, such as ana.")
	case !handle.MatchString(name):
		f.Add("name", "Use 1 to 63 lower-case letters, digits, dots, hyphens or underscores, with a letter or digit first and last.")
	case slices.Contains(reserved, name):
		f.Add("name", "%q is a word of Mainstay's own; choose another.", name)
	}
}

func textFault(f *mainstay.Faults, field, v, what string, most int) {
	switch {
	case v == "":
		f.Add(field, "Give %s.", what)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }):
		f.Add(field, "It holds characters that are not text.")
	case utf8.RuneCountInString(v) > most:
		f.Add(field, "At most %d characters.", most)
	}
}

// ValidEmail reports whether s is a bare e-mail address, without a display name, that mail can be sent to.
func ValidEmail(s string) bool {
	if len(s) > 254 || strings.ContainsAny(s, " \t\r\n<>\",;") {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == ""
}

// EmailKey is the form in which addresses are compared.
func EmailKey(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Validate checks the person as the pages and the manifests do; the faults bear the manifest's field names.
func (p *Person) Validate() error {
	var f mainstay.Faults
	nameFault(&f, p.Name)
	textFault(&f, "fullName", p.FullName, "the person's name", 200)
	if p.Email != "" && !ValidEmail(p.Email) {
		f.Add("email", "%q is not an e-mail address such as ana@example.com.", p.Email)
	}
	if _, err := time.LoadLocation(p.Zone); err != nil || p.Zone == "" || p.Zone == "Local" {
		f.Add("zone", "%q is not a time zone such as Europe/Lisbon or UTC.", p.Zone)
	}
	if !language.MatchString(p.Language) {
		f.Add("language", "%q is not a language such as en or pt-BR.", p.Language)
	}
	if len(p.Contacts) > 20 {
		f.Add("contacts", "At most 20 contact methods.")
	}
	for i, c := range p.Contacts {
		c.faults(&f)
		if slices.ContainsFunc(p.Contacts[:i], c.same) {
			f.Add("contacts", "%s is there twice.", c.Address)
		}
	}
	p.Preferences.faults(&f)
	return f.Err()
}

func (c Contact) same(o Contact) bool { return c.Channel == o.Channel && c.Address == o.Address }

func (c Contact) faults(f *mainstay.Faults) {
	switch c.Channel {
	case Email:
		if !ValidEmail(c.Address) {
			f.Add("contacts", "%q is not an e-mail address such as ana@example.com.", c.Address)
		}
	case Webhook:
		u, err := url.Parse(c.Address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(c.Address) > 2048 {
			f.Add("contacts", "%q is not a URL such as https://example.com/hook, without a password in it.", c.Address)
		}
	case Push:
		u, err := url.Parse(c.Address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(c.Address) > 2048 {
			f.Add("contacts", "The device's address is not one of a push service.")
		}
	default:
		f.Add("contacts", "%q is not a kind of contact: use email or webhook.", c.Channel)
	}
}

// changes names the fields, as manifests do, in which p differs from old.
func (p *Person) changes(old Person) []string {
	var list []string
	add := func(differs bool, field string) {
		if differs {
			list = append(list, field)
		}
	}
	add(p.Name != old.Name, "name")
	add(p.FullName != old.FullName, "fullName")
	add(p.Email != old.Email, "email")
	add(p.Zone != old.Zone, "zone")
	add(p.Language != old.Language, "language")
	add(!slices.EqualFunc(p.Contacts, old.Contacts, func(a, b Contact) bool {
		return a.same(b) && a.ForPages == b.ForPages && a.VerifiedAt.Equal(b.VerifiedAt)
	}), "contacts")
	add(!p.Preferences.equal(old.Preferences), "preferences")
	return list
}

// save is the rule of every change: it validates p, which was old, and says what to write besides the row. happened is the fact; nil
// for one that names the fields that changed. A change of nothing gives the zero Set.
func (p *Person) save(now time.Time, actor mainstay.Actor, old Person, happened fact.Payload) (commit.Set, error) {
	if p.Zone == "" {
		p.Zone = "UTC"
	}
	if p.Language == "" {
		p.Language = "en"
	}
	if err := p.Validate(); err != nil {
		return commit.Set{}, err
	}
	set := commit.Set{}
	fields := p.changes(old)
	switch {
	case happened != nil:
	case old.ID == "":
		happened = fact.PersonCreated{}
	case len(fields) > 0:
		happened = fact.ObjectChanged{Kind: string(mainstay.KindPerson), Fields: fields, Revision: p.Version + 1}
	default:
		return set, nil
	}
	set.Facts = append(set.Facts, fact.New(now, "", actor, happened, p.Ref()))
	if !p.Preferences.Digest.equal(old.Preferences.Digest) || p.Zone != old.Zone || p.Active() != old.Active() {
		set.Add(p.digests(now))
	}
	set.Objects = append(set.Objects, commit.Object{
		Ref: p.Ref(), Project: mainstay.Installation, Name: p.Name, Title: p.FullName, State: p.State(), At: now,
		Text: cmp.Or(p.Email, p.Name), // never empty: that would leave what was there
	})
	return set, nil
}

// vouch marks the contacts that nobody has verified as verified by the actor: an administrator or a manifest entered them.
func (p *Person) vouch(now time.Time, actor mainstay.Actor) {
	for i := range p.Contacts {
		if !p.Contacts[i].Verified() && p.Contacts[i].Channel != Push { // a device proves itself
			p.Contacts[i].VerifiedAt, p.Contacts[i].VerifiedBy = now, actor.ID
		}
	}
}
