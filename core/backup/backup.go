// Package backup owns the file that a copy of an installation is: rows of tables and contents of files in one compressed archive
// whose end says what must be in it. It never asks a database, and knows no table.
//
// The file is a tar, compressed with zstd. head.json says what it is a copy of; tables/NAME/000001.jsonl and further hold a table's
// rows, one line of JSON each, in the order in which tables can be filled; files/SHA256 are contents; manifest.json, the last,
// lists every other member with its size and SHA-256. It is the same for every database engine.
package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/mainstayhq/mainstay"
)

// Format is the version of the file's shape.
const Format = 1

// Table is the shape of one table: its columns, and for each "text", "integer", "number", "boolean" or "bytes".
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Types   []string `json:"types"`
}

// Head says what the file is a copy of.
type Head struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of Mainstay
	Engine  string    `json:"engine"`  // it was taken from: "sqlite" or "postgres"
	Taken   time.Time `json:"taken"`   // the moment that it shows
	Schema  []string  `json:"schema"`  // the schema changes that had run
	Key     string    `json:"key"`     // a fingerprint of the secret key, which is not in the file; "" when there was none
	Tables  []Table   `json:"tables"`
}

// Summary is what a file holds, once it was written or read whole.
type Summary struct {
	Head  Head             `json:"head"`
	Rows  map[string]int64 `json:"rows"` // by table
	Files int64            `json:"files"`
	Bytes int64            `json:"bytes"` // unpacked
}

// Total is the number of rows in all tables.
func (s Summary) Total() (n int64) {
	for _, rows := range s.Rows {
		n += rows
	}
	return n
}

// member is one member in the manifest.
type member struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	Rows   int64  `json:"rows,omitempty"`
}

const (
	headName     = "head.json"
	manifestName = "manifest.json"
	chunkSize    = 4 << 20   // a member of rows is closed when it is larger
	maxMember    = 512 << 20 // no member but a file is larger: one row may be large
)

// Writer writes a file. After an error it is of no use.
type Writer struct {
	pack    *zstd.Encoder
	tar     *tar.Writer
	members []member
	sum     Summary
	table   Table
	part    int
	rows    []byte
	count   int64
}

// NewWriter begins a file in w.
func NewWriter(w io.Writer, head Head) (*Writer, error) {
	pack, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	head.Format = Format
	b := &Writer{pack: pack, tar: tar.NewWriter(pack), sum: Summary{Head: head, Rows: map[string]int64{}}}
	text, err := json.MarshalIndent(head, "", "\t")
	if err != nil {
		return nil, err
	}
	return b, b.add(member{Name: headName}, text)
}

// add writes a member whose content is in memory.
func (w *Writer) add(m member, body []byte) error {
	sum := sha256.Sum256(body)
	m.Size, m.SHA256 = int64(len(body)), hex.EncodeToString(sum[:])
	if err := w.header(m.Name, m.Size); err != nil {
		return err
	}
	if _, err := w.tar.Write(body); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	w.members = append(w.members, m)
	return nil
}

func (w *Writer) header(name string, size int64) error {
	w.sum.Bytes += size
	err := w.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: w.sum.Head.Taken.UTC().Truncate(time.Second), Format: tar.FormatPAX})
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

// Table begins the rows of a table of the head.
func (w *Writer) Table(t Table) error {
	err := w.flush()
	w.table, w.part = t, 0
	return err
}

// Row adds a row of the table: nil, string, int64, float64, bool or []byte, as its types say.
func (w *Writer) Row(values []any) (err error) {
	if w.rows, err = appendRow(w.rows, values); err != nil {
		return fmt.Errorf("table %s: %w", w.table.Name, err)
	}
	w.count++
	if len(w.rows) >= chunkSize {
		return w.flush()
	}
	return nil
}

func (w *Writer) flush() error {
	if w.count == 0 {
		return nil
	}
	w.part++
	w.sum.Rows[w.table.Name] += w.count
	err := w.add(member{Name: fmt.Sprintf("tables/%s/%06d.jsonl", w.table.Name, w.part), Rows: w.count}, w.rows)
	w.rows, w.count = w.rows[:0], 0
	return err
}

// File adds the content of a file, which must have the size and the SHA-256.
func (w *Writer) File(sha string, size int64, r io.Reader) error {
	if err := w.flush(); err != nil {
		return err
	}
	m := member{Name: "files/" + sha, Size: size, SHA256: sha}
	if err := w.header(m.Name, m.Size); err != nil {
		return err
	}
	digest := sha256.New()
	if _, err := io.Copy(w.tar, io.TeeReader(r, digest)); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != sha {
		return fmt.Errorf("the file %s has another content than its name says", sha)
	}
	w.members = append(w.members, m)
	w.sum.Files++
	return nil
}

// Close ends the file. What has no end is not a backup.
func (w *Writer) Close() (Summary, error) {
	if err := w.flush(); err != nil {
		return w.sum, err
	}
	text, err := json.MarshalIndent(map[string]any{"members": w.members}, "", "\t")
	if err != nil {
		return w.sum, err
	}
	if err := errors.Join(w.add(member{Name: manifestName}, text), w.tar.Close(), w.pack.Close()); err != nil {
		return w.sum, fmt.Errorf("writing the backup: %w", err)
	}
	return w.sum, nil
}

// Abandon gives up what Close would end.
func (w *Writer) Abandon() { _ = w.pack.Close() }

// Into takes what a file holds, in its order. Nothing is known to be whole before Read has returned.
type Into interface {
	Head(h Head) error
	Rows(t Table, rows [][]any) error
	File(sha string, r io.Reader) error
}

// Read reads a file to its end and checks every member against the manifest. A nil into only checks.
func Read(r io.Reader, into Into) (Summary, error) {
	pack, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return Summary{}, err
	}
	defer pack.Close()
	rd := &reader{tar: tar.NewReader(pack), into: into, sum: Summary{Rows: map[string]int64{}}}
	for {
		done, err := rd.next()
		if err != nil {
			return rd.sum, err
		}
		if done {
			return rd.sum, end(rd.tar, pack)
		}
	}
}

// end makes sure that nothing but the end follows: the checksum of the whole stands there.
func end(t *tar.Reader, pack io.Reader) error {
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return damaged("it goes on after its manifest")
	}
	if _, err := io.Copy(io.Discard, pack); err != nil {
		return damaged("its end cannot be read (%v)", err)
	}
	return nil
}

func damaged(format string, args ...any) error {
	return mainstay.Errorf(mainstay.Invalid, "the backup is damaged: "+format, args...)
}

type reader struct {
	tar     *tar.Reader
	into    Into
	members []member
	sum     Summary
}

// next reads one member. It is done with the manifest.
func (r *reader) next() (done bool, err error) {
	h, err := r.tar.Next()
	switch {
	case err != nil && len(r.members) == 0:
		return false, mainstay.Errorf(mainstay.Invalid, "this is no backup of Mainstay")
	case errors.Is(err, io.EOF):
		return false, damaged("it has no end, so it was not written whole")
	case err != nil:
		return false, damaged("after %s it cannot be read (%v)", r.members[len(r.members)-1].Name, err)
	case (h.Name == headName) != (len(r.members) == 0):
		return false, mainstay.Errorf(mainstay.Invalid, "this is no backup of Mainstay")
	}
	if sha, ok := strings.CutPrefix(h.Name, "files/"); ok {
		return false, r.file(sha, h.Size)
	}
	if h.Size > maxMember {
		return false, damaged("%s is too large", h.Name)
	}
	body, err := io.ReadAll(r.tar)
	if err != nil {
		return false, damaged("%s cannot be read (%v)", h.Name, err)
	}
	if h.Name == manifestName {
		return true, r.compare(body)
	}
	sum := sha256.Sum256(body)
	m := member{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(sum[:])}
	r.sum.Bytes += h.Size
	if h.Name == headName {
		r.members = append(r.members, m)
		return false, r.head(body)
	}
	m.Rows, err = r.rows(h.Name, body)
	r.members = append(r.members, m)
	return false, err
}

func (r *reader) head(body []byte) error {
	h := &r.sum.Head
	if json.Unmarshal(body, h) != nil || h.Format == 0 {
		return mainstay.Errorf(mainstay.Invalid, "this is no backup of Mainstay")
	}
	if h.Format > Format {
		return mainstay.Errorf(mainstay.Conflict, "the backup was written by a newer Mainstay (%s): use that version", h.Version)
	}
	if slices.ContainsFunc(h.Tables, func(t Table) bool { return len(t.Columns) != len(t.Types) }) {
		return damaged("its tables have no shape")
	}
	if r.into == nil {
		return nil
	}
	return r.into.Head(*h)
}

func (r *reader) rows(name string, body []byte) (n int64, err error) {
	parts := strings.Split(name, "/")
	i := -1
	if len(parts) == 3 && parts[0] == "tables" {
		i = slices.IndexFunc(r.sum.Head.Tables, func(t Table) bool { return t.Name == parts[1] })
	}
	if i < 0 {
		return 0, damaged("nothing is known of %s", name)
	}
	t := r.sum.Head.Tables[i]
	var rows [][]any
	for line := range bytes.Lines(body) {
		row, err := parseRow(bytes.TrimSuffix(line, []byte("\n")), t.Types)
		if err != nil {
			return n, damaged("%s: %v", name, err)
		}
		n++
		rows = append(rows, row)
	}
	r.sum.Rows[t.Name] += n
	if r.into == nil {
		return n, nil
	}
	return n, r.into.Rows(t, rows)
}

// hashed reads a file's content and takes its sum.
type hashed struct {
	r   io.Reader
	sum hash.Hash
}

// Read implements io.Reader.
func (h hashed) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	h.sum.Write(b[:n])
	return n, err
}

func (r *reader) file(sha string, size int64) error {
	body := hashed{r.tar, sha256.New()}
	if r.into != nil {
		if err := r.into.File(sha, body); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return damaged("the file %s cannot be read (%v)", sha, err)
	}
	if got := hex.EncodeToString(body.sum.Sum(nil)); got != sha {
		return damaged("the file %s was altered", sha)
	}
	r.members = append(r.members, member{Name: "files/" + sha, Size: size, SHA256: sha})
	r.sum.Files++
	r.sum.Bytes += size
	return nil
}

// compare holds what was read against the manifest.
func (r *reader) compare(body []byte) error {
	var manifest struct{ Members []member }
	if err := json.Unmarshal(body, &manifest); err != nil {
		return damaged("its manifest cannot be read")
	}
	for i, want := range manifest.Members {
		if i >= len(r.members) || r.members[i].Name != want.Name {
			return damaged("%s is missing", want.Name)
		}
		if r.members[i] != want {
			return damaged("%s was altered", want.Name)
		}
	}
	if len(r.members) > len(manifest.Members) {
		return damaged("%s does not belong to it", r.members[len(manifest.Members)].Name)
	}
	return nil
}
