// Package file owns exhibits: frozen copies of files, named by what they hold, and the rows that say whose they are. It never
// changes a file once it is kept, and never serves one as a page of ours.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// DefaultMax is the largest file that is taken unless a setting says otherwise: 25 MiB.
const DefaultMax int64 = 25 << 20

// maxName bounds the name of a file, in bytes.
const maxName = 200

// Upload is a file about to be kept.
type Upload struct {
	Project string       // project id or mainstay.Installation
	Subject mainstay.Ref // the object that it belongs to; who may read that may read the file
	Name    string       // as the sender calls it; cleaned
	Private bool         // the subject is private
	By      mainstay.Actor
}

// Exhibit is a kept file.
type Exhibit struct {
	ID        string
	Project   string
	Subject   mainstay.Ref
	Name      string
	SHA256    string // lower-case hex
	Size      int64  // bytes
	MediaType string // found in the content, never believed from the sender
	Private   bool
	By        mainstay.Actor
	At        time.Time
}

// URL is where the exhibit is served.
func (e Exhibit) URL() string { return "/exhibits/" + e.ID }

// Image reports whether the exhibit may be shown inside a page.
func (e Exhibit) Image() bool {
	switch e.MediaType {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

// Disposition is the Content-Disposition to serve it with: inline for pictures without script, else attachment.
func (e Exhibit) Disposition() string {
	how := "attachment"
	if e.Image() {
		how = "inline"
	}
	if v := mime.FormatMediaType(how, map[string]string{"filename": e.Name}); v != "" {
		return v
	}
	return how
}

// Object is the exhibit's entry in the register.
func (e Exhibit) Object() commit.Object {
	return commit.Object{
		Ref: mainstay.Ref{Kind: mainstay.KindExhibit, ID: e.ID}, Project: e.Project, Title: e.Name, State: "kept",
		Private: e.Private, Of: e.Subject, Text: e.Name, At: e.At,
	}
}

// Blob is a stored content.
type Blob struct {
	SHA256 string
	Size   int64
	Head   []byte // the first bytes, at most 512
}

// Blobs keeps contents by their digest. Disk is one; an object store can be another.
type Blobs interface {
	// Put stores what r gives, durably, before it returns. More than limit bytes is a TooLarge error and stores nothing.
	Put(ctx context.Context, r io.Reader, limit int64) (Blob, error)
	// Open reads a content; NotFound when there is none.
	Open(ctx context.Context, sha string) (io.ReadSeekCloser, error)
	// Walk calls f for every stored content, with the time since when it lies there.
	Walk(ctx context.Context, f func(sha string, since time.Time) error) error
	// Remove deletes a content; it is no error when there is none.
	Remove(ctx context.Context, sha string) error
	// Clean removes what a Put that was cut off before the time has left, and returns how many.
	Clean(ctx context.Context, before time.Time) (int, error)
}

// Store is what the service needs of the database.
type Store interface {
	// Insert keeps the row and saves the set in one transaction; it joins the one of ctx.
	Insert(ctx context.Context, e Exhibit, set commit.Set) error
	// Load reads one exhibit; NotFound without one.
	Load(ctx context.Context, id string) (Exhibit, error)
	// Of lists the exhibits of a subject, oldest first.
	Of(ctx context.Context, subject mainstay.Ref, limit int) ([]Exhibit, error)
	// Used reports whether any exhibit has the content.
	Used(ctx context.Context, sha string) (bool, error)
}

// Config is what a Service needs.
type Config struct {
	Store Store
	Blobs Blobs
	Time  mainstay.Timekeeper
	// Max gives the largest file in bytes, from a setting; nil means DefaultMax.
	Max func(ctx context.Context) int64
}

// Service keeps and reads exhibits.
type Service struct{ cfg Config }

// New makes a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Blobs == nil || cfg.Time == nil {
		return nil, errors.New("file needs a Store, Blobs and a Timekeeper")
	}
	if cfg.Max == nil {
		cfg.Max = func(context.Context) int64 { return DefaultMax }
	}
	return &Service{cfg}, nil
}

// Max is the largest file that is taken, in bytes.
func (s *Service) Max(ctx context.Context) int64 { return s.cfg.Max(ctx) }

// Keep stores a file and registers it. The content is on the disk before the row commits: a crash between the two leaves a
// content that nobody refers to, which Sweep removes, and never a row without a content.
func (s *Service) Keep(ctx context.Context, up Upload, r io.Reader) (Exhibit, error) {
	if up.Subject.IsZero() {
		return Exhibit{}, mainstay.Errorf(mainstay.Invalid, "A file must belong to something: say to what.")
	}
	blob, err := s.cfg.Blobs.Put(ctx, r, s.cfg.Max(ctx))
	if err != nil {
		return Exhibit{}, err
	}
	if blob.Size == 0 {
		return Exhibit{}, mainstay.Errorf(mainstay.Invalid, "The file is empty. Nothing was kept.")
	}
	now := s.cfg.Time.Now()
	e := Exhibit{
		ID: mainstay.NewID(now), Project: up.Project, Subject: up.Subject, Name: CleanName(up.Name), SHA256: blob.SHA256,
		Size: blob.Size, MediaType: sniff(blob.Head), Private: up.Private, By: up.By, At: now,
	}
	if e.Project == "" {
		e.Project = mainstay.Installation
	}
	added := fact.ExhibitAdded{SHA256: e.SHA256, Size: e.Size, MediaType: e.MediaType}
	set := commit.Set{
		Facts:   []fact.Fact{fact.New(now, e.Project, up.By, added, e.Object().Ref, e.Subject)},
		Objects: []commit.Object{e.Object()},
	}
	return e, s.cfg.Store.Insert(ctx, e, set)
}

// Load reads what is known of an exhibit.
func (s *Service) Load(ctx context.Context, id string) (Exhibit, error) {
	return s.cfg.Store.Load(ctx, id)
}

// Open reads an exhibit's content. The caller closes it.
func (s *Service) Open(ctx context.Context, id string) (Exhibit, io.ReadSeekCloser, error) {
	e, err := s.cfg.Store.Load(ctx, id)
	if err != nil {
		return Exhibit{}, nil, err
	}
	r, err := s.cfg.Blobs.Open(ctx, e.SHA256)
	return e, r, err
}

// Of lists the exhibits of a subject, oldest first, at most 200.
func (s *Service) Of(ctx context.Context, subject mainstay.Ref) ([]Exhibit, error) {
	return s.cfg.Store.Of(ctx, subject, 200)
}

// orphanAge is how old a content must be before Sweep may take it for forgotten: an upload may be about to commit its row.
const orphanAge = 24 * time.Hour

// Sweep removes the contents that no exhibit refers to and what uploads that were cut off have left, and returns how many. It is for a job once a day.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	now, removed := s.cfg.Time.Now(), 0
	err := s.cfg.Blobs.Walk(ctx, func(sha string, since time.Time) error {
		if now.Sub(since) < orphanAge {
			return nil
		}
		used, err := s.cfg.Store.Used(ctx, sha)
		if err != nil || used {
			return err
		}
		removed++
		return s.cfg.Blobs.Remove(ctx, sha)
	})
	if err != nil {
		return removed, fmt.Errorf("sweeping files: %w", err)
	}
	half, err := s.cfg.Blobs.Clean(ctx, now.Add(-orphanAge))
	return removed + half, err
}

// CleanName is a file name that can stand in a header and on a page: the last element of a path, printable, not hidden, at
// most 200 bytes.
func CleanName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`"<>:|?*`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ". ")
	for len(name) > maxName {
		ext := path.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		base := strings.TrimSuffix(name, ext)
		_, n := utf8.DecodeLastRuneInString(base)
		name = base[:len(base)-n] + ext
	}
	if name == "" || name == "/" {
		return "file"
	}
	return name
}

// sniff finds the media type in the content. What a browser could run as a page of ours is called plain text or bytes.
func sniff(head []byte) string {
	kind, _, _ := mime.ParseMediaType(http.DetectContentType(head))
	switch kind {
	case "text/html", "text/xml", "image/svg+xml", "application/xml":
		return "text/plain"
	case "":
		return "application/octet-stream"
	}
	return kind
}
