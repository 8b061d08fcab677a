// Package document owns Markdown texts and their revisions, which are never edited, and the one safe way to render them.
// It never knows what a text is for; the practice that keeps the document's id does.
package document

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// MaxBytes is the largest text that is taken: 256 KiB of Markdown.
const MaxBytes = 256 << 10

// Latest as a Draft's Base saves on top of whatever is newest, without asking whether somebody else wrote meanwhile.
// It is for texts that Mainstay writes itself, never for a form.
const Latest int64 = -1

// Draft is a text about to be saved.
type Draft struct {
	ID       string       // "" makes a new document; an id that does not exist yet makes one of that id
	Project  string       // project id or mainstay.Installation; kept from the first revision
	Subject  mainstay.Ref // the object that the text belongs to; kept from the first revision
	Kind     string       // such as "note", "summary", "article"; kept from the first revision
	Markdown string
	Author   mainstay.Actor
	Base     int64 // the revision that the author began from: 0 for a new document, or Latest
}

// Revision is one state of a document. The revisions of a document count from 1 and none is ever changed.
type Revision struct {
	Document string // id
	Revision int64
	Project  string
	Subject  mainstay.Ref
	Kind     string
	Markdown string
	HTML     string // rendered and sanitised; the only form that may reach a page
	Digest   string // SHA-256 of the Markdown in lower-case hex
	Author   mainstay.Actor
	At       time.Time
}

// Revised is the payload of the fact that says so. Whoever saves a document puts it, or a fact of his own with the digest,
// into his commit.Set.
func (r Revision) Revised() fact.DocumentRevised {
	return fact.DocumentRevised{Document: r.Document, Revision: r.Revision, Digest: r.Digest}
}

// Stale is the error of a save that began from an old revision. Nothing was saved, and neither text is lost: the page shows
// both and lets the author join them. Its code is mainstay.Conflict.
type Stale struct {
	Newest Revision // what somebody else saved meanwhile
	Yours  string   // the Markdown that was not saved
	people mainstay.Error
}

func (e *Stale) Error() string { return e.people.Message }

// Unwrap gives the error its code and its sentence.
func (e *Stale) Unwrap() error { return &e.people }

// AsStale finds a Stale in err's chain.
func AsStale(err error) (*Stale, bool) {
	var s *Stale
	ok := errors.As(err, &s)
	return s, ok
}

// Store is what the service needs of the database.
type Store interface {
	// Append calls next with the newest revision (a zero one when the document does not exist), and keeps what it returns,
	// unless that is the newest revision itself. It joins the transaction of ctx, or makes one.
	Append(ctx context.Context, id string, next func(newest Revision) (Revision, error)) (Revision, error)
	// Load reads one revision; 0 means the newest. Without one the error's code is NotFound.
	Load(ctx context.Context, id string, revision int64) (Revision, error)
	// LoadAll reads the newest revisions of many documents; those that do not exist are left out.
	LoadAll(ctx context.Context, ids []string) ([]Revision, error)
	// History lists revisions before the given one (0: from the newest), newest first, without their texts.
	History(ctx context.Context, id string, before int64, limit int) ([]Revision, error)
	// Of lists the newest revisions of a subject's documents, oldest document first, of one kind or of all ("").
	Of(ctx context.Context, subject mainstay.Ref, kind string, limit int) ([]Revision, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store Store
	Time  mainstay.Timekeeper
}

// Service saves and reads documents.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Time == nil {
		return nil, errors.New("document needs a Store and a Timekeeper")
	}
	return &Service{cfg}, nil
}

// Save keeps a new revision. A text equal to the newest revision makes none and returns that one. It joins the transaction
// that ctx carries, if any. Errors: TooLarge, Invalid (text that is not UTF-8), Conflict (a *Stale).
func (s *Service) Save(ctx context.Context, d Draft) (Revision, error) {
	d.Markdown = Tidy(d.Markdown)
	if err := Check(d.Markdown); err != nil {
		return Revision{}, err
	}
	now := s.cfg.Time.Now()
	if d.ID == "" {
		d.ID = mainstay.NewID(now)
	}
	return s.cfg.Store.Append(ctx, d.ID, func(newest Revision) (Revision, error) { return next(newest, d, now) })
}

// Load reads the newest revision.
func (s *Service) Load(ctx context.Context, id string) (Revision, error) {
	return s.cfg.Store.Load(ctx, id, 0)
}

// At reads one revision.
func (s *Service) At(ctx context.Context, id string, revision int64) (Revision, error) {
	if revision < 1 {
		return Revision{}, mainstay.Errorf(mainstay.NotFound, "Revisions count from 1.")
	}
	return s.cfg.Store.Load(ctx, id, revision)
}

// LoadAll reads the newest revisions of many documents, by id. Those that do not exist are missing in the map.
func (s *Service) LoadAll(ctx context.Context, ids []string) (map[string]Revision, error) {
	m := make(map[string]Revision, len(ids))
	if len(ids) == 0 {
		return m, nil
	}
	list, err := s.cfg.Store.LoadAll(ctx, ids)
	for _, r := range list {
		m[r.Document] = r
	}
	return m, err
}

// History lists revisions before the given one (0: from the newest), newest first, at most 100, without their texts.
func (s *Service) History(ctx context.Context, id string, before int64) ([]Revision, error) {
	return s.cfg.Store.History(ctx, id, before, 100)
}

// Of lists the newest revisions of a subject's documents of one kind ("" for all), oldest document first, at most 1,000.
func (s *Service) Of(ctx context.Context, subject mainstay.Ref, kind string) ([]Revision, error) {
	return s.cfg.Store.Of(ctx, subject, kind, 1000)
}

// Tidy is the text as it is kept: line ends of one kind, no NUL, no blank space at its end.
func Tidy(markdown string) string {
	markdown = strings.ReplaceAll(markdown, "\r\n", "\n")
	markdown = strings.ReplaceAll(markdown, "\r", "\n")
	markdown = strings.ReplaceAll(markdown, "\x00", "")
	return strings.TrimRight(markdown, " \t\n")
}

// Check says what is wrong with a text: too large, or not UTF-8. An empty text is allowed; whether it makes sense is for the
// owner to say.
func Check(markdown string) error {
	if len(markdown) > MaxBytes {
		return mainstay.Errorf(mainstay.TooLarge,
			"This text has %d KiB, and a text may have %d KiB. Nothing was saved; shorten it or put a part into another document.",
			(len(markdown)+1023)>>10, MaxBytes>>10)
	}
	if !utf8.ValidString(markdown) {
		return mainstay.Errorf(mainstay.Invalid, "This text is not valid UTF-8. Nothing was saved.")
	}
	return nil
}

// Digest is the SHA-256 of a text in lower-case hex.
func Digest(markdown string) string {
	sum := sha256.Sum256([]byte(markdown))
	return hex.EncodeToString(sum[:])
}

// next is the revision that follows, or the newest one again when the text is the same.
func next(newest Revision, d Draft, now time.Time) (Revision, error) {
	digest := Digest(d.Markdown)
	if newest.Revision > 0 && newest.Digest == digest {
		return newest, nil
	}
	if d.Base != Latest && d.Base != newest.Revision {
		return Revision{}, &Stale{Newest: newest, Yours: d.Markdown, people: mainstay.Error{Code: mainstay.Conflict,
			Message: "Somebody else saved this text while you wrote. Nothing was overwritten: compare both and save again."}}
	}
	r := Revision{
		Document: d.ID, Revision: newest.Revision + 1, Project: d.Project, Subject: d.Subject, Kind: d.Kind,
		Markdown: d.Markdown, Digest: digest, Author: d.Author, At: now,
	}
	if newest.Revision > 0 {
		r.Project, r.Subject, r.Kind = newest.Project, newest.Subject, newest.Kind
	}
	if r.Project == "" {
		r.Project = mainstay.Installation
	}
	var err error
	r.HTML, err = Render(r.Markdown)
	return r, err
}
