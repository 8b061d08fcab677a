// Package assets owns the files that browsers load: style, script, fonts, icons. It never serves anything that a user wrote.
// README.md says where each third-party file comes from.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed files
var files embed.FS

// file is one asset with its compressed form, when that is smaller.
type file struct {
	kind       string
	plain, zip []byte
	etag       string
}

// set is everything, read once. version names the whole set: an address holds it, so it may be kept for ever.
type set struct {
	version string
	files   map[string]*file
}

var load = sync.OnceValue(func() *set {
	s := &set{files: map[string]*file{}}
	all := sha256.New()
	entries, err := fs.ReadDir(files, "files")
	if err != nil {
		panic(err) // embedded: it is there or the binary is broken
	}
	for _, e := range entries {
		b, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			panic(err) // embedded
		}
		all.Write([]byte(e.Name()))
		all.Write(b)
		sum := sha256.Sum256(b)
		s.files[e.Name()] = &file{kind: kindOf(e.Name()), plain: b, zip: squeeze(e.Name(), b), etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	s.version = hex.EncodeToString(all.Sum(nil)[:6])
	return s
})

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".woff2":
		return "font/woff2"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// squeeze is the gzip form of text, nil for what is compressed already.
func squeeze(name string, b []byte) []byte {
	switch path.Ext(name) {
	case ".css", ".js", ".svg", ".txt":
	default:
		return nil
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level exists
	}
	_, _ = z.Write(b) // a bytes.Buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// URL is the address of an asset. It changes whenever any asset does.
func URL(name string) string { return "/assets/" + load().version + "/" + name }

// Bytes is an asset's content, nil when there is none of that name. The status page embeds some.
func Bytes(name string) []byte {
	if f := load().files[name]; f != nil {
		return f.plain
	}
	return nil
}

// Serve answers /assets/{version}/{file}.
func Serve(w http.ResponseWriter, req *http.Request) {
	if req.PathValue("version") == load().version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache") // a page of another version asks
	}
	serve(w, req, req.PathValue("file"))
}

// ServeFile answers with one asset at an address of its own, for an hour.
func ServeFile(w http.ResponseWriter, req *http.Request, name string) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	serve(w, req, name)
}

func serve(w http.ResponseWriter, req *http.Request, name string) {
	f := load().files[name]
	if f == nil {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, req)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.etag)
	if f.zip != nil {
		h.Add("Vary", "Accept-Encoding")
	}
	if req.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.zip != nil && strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if req.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have gone
	}
}
