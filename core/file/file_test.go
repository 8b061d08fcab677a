package file_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay/core/file"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"graph.png":                       "graph.png",
		`C:\Users\ana\graph.png`:          "graph.png",
		"../../etc/passwd":                "passwd",
		"":                                "file",
		"/":                               "file",
		"...":                             "file",
		".bashrc":                         "bashrc",
		"a\r\nSet-Cookie: x":              "aSet-Cookie x",
		`"><script>.html`:                 "script.html",
		"größe 2.txt":                     "größe 2.txt",
		strings.Repeat("é", 300) + ".log": strings.Repeat("é", 98) + ".log",
	} {
		if got := file.CleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("a.png")
	f.Add("a\x00\xff/..\\")
	f.Fuzz(func(t *testing.T, in string) {
		out := file.CleanName(in)
		if out == "" || len(out) > 200 || !utf8.ValidString(out) || strings.ContainsAny(out, "\"\r\n/\\<>") || out[0] == '.' {
			t.Errorf("%q: %q", in, out)
		}
		if d := (file.Exhibit{Name: out}).Disposition(); !strings.HasPrefix(d, "attachment") || strings.ContainsAny(d, "\r\n") {
			t.Errorf("%q: %q", in, d)
		}
	})
}

// Only pictures are shown; what a browser could run is sent as a download.
func TestDisposition(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"image/png": "inline", "image/svg+xml": "attachment", "text/html": "attachment", "application/pdf": "attachment",
	} {
		if got := (file.Exhibit{Name: "a", MediaType: kind}).Disposition(); !strings.HasPrefix(got, want+"; filename=a") {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
