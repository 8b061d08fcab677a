package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mainstayhq/mainstay"
)

// BenchmarkPublish is what a commit pays for the live stream.
func BenchmarkPublish(b *testing.B) {
	w := newWorld(b)
	refs := []mainstay.Ref{ref("alert", "a"), ref("page", "p")}
	for b.Loop() {
		w.rt.Live().Publish("har", refs)
	}
}

// BenchmarkPage is one page in its shell, without its handler's own work.
func BenchmarkPage(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		req := httptest.NewRequest("GET", "/incidents/INC-42", nil)
		req.AddCookie(&http.Cookie{Name: "who", Value: "ana"})
		rec := httptest.NewRecorder()
		w.h.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Code)
		}
		_, _ = io.Copy(io.Discard, rec.Body)
	}
}
