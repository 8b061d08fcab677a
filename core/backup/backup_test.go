package backup_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/backup"
)

var boats = backup.Table{Name: "boat", Columns: []string{"name", "length", "afloat", "picture", "draught"}, Types: []string{"text", "integer", "boolean", "bytes", "number"}}

var fleet = [][]any{
	{"Ada", int64(12), true, []byte{0, 1, 255}, 1.5},
	{"a \"quoted\" name\\ with\nlines\u2028 and ünïcode 🚢 <&>", int64(math.MinInt64), false, []byte{}, -math.MaxFloat64},
	{"", int64(0), nil, nil, nil},
	{"no UTF-8: \xff\xfe}", int64(math.MaxInt64), true, []byte("x"), 0.1},
}

// taken is a backup of the fleet, n times, and of one file.
func taken(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := backup.NewWriter(&b, backup.Head{Version: "v1", Engine: "sqlite", Taken: time.Unix(1, 0).UTC(), Schema: []string{"boat/0001"}, Tables: []backup.Table{boats}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Table(boats); err != nil {
		t.Fatal(err)
	}
	for range n {
		for _, row := range fleet {
			if err := w.Row(row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.File(sha("log"), 3, strings.NewReader("log")); err != nil {
		t.Fatal(err)
	}
	sum, err := w.Close()
	if err != nil || sum.Total() != int64(n*len(fleet)) || sum.Files != 1 {
		t.Fatal(sum, err)
	}
	return b.Bytes()
}

func sha(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// kept is what was read.
type kept struct {
	head  backup.Head
	rows  [][]any
	files map[string]string
}

func (k *kept) Head(h backup.Head) error { k.head = h; return nil }

func (k *kept) Rows(_ backup.Table, rows [][]any) error { k.rows = append(k.rows, rows...); return nil }

func (k *kept) File(sha string, r io.Reader) error {
	b, err := io.ReadAll(r)
	k.files = map[string]string{sha: string(b)}
	return err
}

// TestWhatIsWrittenIsRead, to the last bit, also when it takes several members.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	n := 40_000
	file := taken(t, n)
	var k kept
	sum, err := backup.Read(bytes.NewReader(file), &k)
	if err != nil || sum.Rows["boat"] != int64(n*len(fleet)) || sum.Files != 1 || k.files[sha("log")] != "log" || k.head.Schema[0] != "boat/0001" {
		t.Fatal(sum, err, k.files)
	}
	for i, row := range k.rows {
		if want := fleet[i%len(fleet)]; !reflect.DeepEqual(row, want) {
			t.Fatalf("row %d is %#v, was %#v", i, row, want)
		}
	}
	if again, err := backup.Read(bytes.NewReader(file), nil); err != nil || !reflect.DeepEqual(again, sum) {
		t.Errorf("checking alone finds %v %v", again, err)
	}
}

// TestDamage of any kind is seen.
func TestDamage(t *testing.T) {
	t.Parallel()
	file := taken(t, 3)
	unpack, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer unpack.Close()
	plain, err := unpack.DecodeAll(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	again := func(old, new string) []byte {
		if bytes.Count(plain, []byte(old)) == 0 || len(old) != len(new) {
			t.Fatalf("%q is not in the file", old)
		}
		return pack.EncodeAll(bytes.Replace(plain, []byte(old), []byte(new), 1), nil)
	}
	for name, b := range map[string][]byte{
		"empty":                   {},
		"something else":          []byte("PK\x03\x04 is another kind of file"),
		"cut off":                 file[:len(file)-40],
		"cut off between members": pack.EncodeAll(plain[:len(plain)-1024-512-1024], nil),
		"a value was altered":     again(`"Ada",12`, `"Ada",13`),
		"a row is no row":         again(`["Ada",12`, `{"Ada",12`),
		"a file was altered":      again("\x00log\x00", "\x00lag\x00"),
		"the manifest was":        again(`"rows": 12`, `"rows": 13`),
		"a table is unknown":      again("tables/boat/", "tables/goat/"),
		"a newer format":          again(`"format": 1`, `"format": 9`),
	} {
		sum, err := backup.Read(bytes.NewReader(b), nil)
		if !mainstay.Is(err, mainstay.Invalid) && !mainstay.Is(err, mainstay.Conflict) {
			t.Errorf("%s: it is taken for whole: %v %v", name, sum, err)
		}
		t.Log(name, "→", err)
	}
}

// FuzzRead: whatever the file, reading ends with an answer.
func FuzzRead(f *testing.F) {
	f.Add(taken(f, 1))
	f.Add([]byte("no backup"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := backup.Read(bytes.NewReader(b), nil); err != nil && mainstay.ErrorCode(err) == mainstay.Internal {
			t.Errorf("not a person's error: %v", err)
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	w, err := backup.NewWriter(io.Discard, backup.Head{Tables: []backup.Table{boats}})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Table(boats); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		if err := w.Row([]any{fmt.Sprint("boat ", i), int64(i), true, []byte("picture"), 1.5}); err != nil {
			b.Fatal(err)
		}
	}
}
