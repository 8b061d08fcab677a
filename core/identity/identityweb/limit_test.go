package identityweb_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
)

// TestAGreedyTokenIsToldToWait runs one token into the limit of the API: 200 requests at once, then 100 a second.
func TestAGreedyTokenIsToldToWait(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		ana := h.Person(t, "ana")
		secret, err := h.Identity.CreateToken(t.Context(), mainstay.Person(ana.ID), "greedy", access.Administrator, "")
		if err != nil {
			t.Fatal(err)
		}
		api := h.Browser(t)
		for i := range 200 {
			if p := api.Call("GET", "/api/v1/tokens?limit=1", secret, ""); p.Status != 200 {
				t.Fatalf("request %d: %d %s", i+1, p.Status, p.Body)
			}
		}
		p := api.Call("GET", "/api/v1/tokens", secret, "")
		if p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") != "1" || p.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%d %v %s", p.Status, p.Header, p.Body)
		}
		h.Clock.Advance(time.Second)
		if p := api.Call("GET", "/api/v1/tokens", secret, ""); p.Status != 200 {
			t.Errorf("a second later: %d", p.Status)
		}
	})
}
