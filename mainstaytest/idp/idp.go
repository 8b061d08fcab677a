// Package idp is a stand-in provider of identities for tests: a real HTTP server that speaks OpenID Connect, with faults on demand. It
// knows nothing of ours.
package idp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Provider is a provider of identities as OpenID Connect describes one: discovery, keys, a token endpoint that checks the client, the
// code and PKCE, and userinfo. What it says, and what is wrong with it, is set by the test.
type Provider struct {
	*httptest.Server
	t     testing.TB
	clock mainstay.Timekeeper

	mu    sync.Mutex
	key   *rsa.PrivateKey
	other *rsa.PrivateKey // a key that the provider does not publish
	codes map[string]grant

	Claims   map[string]any // of the account that signs in, besides those that every token has
	Userinfo map[string]any // nil: there is no such endpoint
	Fault    string         // what is wrong with its answers: see sign and discovery
}

// grant is what a code was given for.
type grant struct {
	nonce, challenge, redirect string
}

// The client that the provider knows.
const (
	ClientID     = "mainstay"
	ClientSecret = "of the client"
)

func New(t testing.TB, clock mainstay.Timekeeper) *Provider {
	t.Helper()
	p := &Provider{t: t, clock: clock, codes: map[string]grant{}}
	for _, k := range []**rsa.PrivateKey{&p.key, &p.other} {
		var err error
		if *k, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) { // whoever comes has signed in there already
		back := p.Authorize(p.URL + r.URL.RequestURI())
		http.Redirect(w, r, r.FormValue("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		p.answer(w, p.Userinfo)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *Provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	if p.Fault == "down" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	v := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"}, "end_session_endpoint": p.URL + "/leave",
	}
	if p.Userinfo != nil {
		v["userinfo_endpoint"] = p.URL + "/userinfo"
	}
	if p.Fault == "another issuer" {
		v["issuer"] = "https://id.example.net"
	}
	p.answer(w, v)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	b64 := base64.RawURLEncoding
	p.answer(w, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "first",
		"n": b64.EncodeToString(p.key.N.Bytes()), "e": b64.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// token exchanges a code, once, for tokens.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id == "" {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	fail := func(code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		p.answer(w, map[string]string{"error": code})
	}
	if u, err := url.QueryUnescape(secret); err != nil || id != ClientID || u != ClientSecret && secret != ClientSecret {
		fail("invalid_client")
		return
	}
	g, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge || r.FormValue("redirect_uri") != g.redirect {
		fail("invalid_grant")
		return
	}
	out := map[string]any{"access_token": "access", "token_type": "Bearer", "expires_in": 300}
	if p.Fault != "no token" {
		out["id_token"] = p.sign(g)
	}
	p.answer(w, out)
}

// sign makes the ID token, with whatever is wrong with it.
func (p *Provider) sign(g grant) string {
	now := p.clock.Now()
	c := map[string]any{"iss": p.URL, "aud": ClientID, "sub": "account-1", "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	for k, v := range p.Claims {
		c[k] = v
	}
	key, kid, alg := p.key, "first", "RS256"
	switch p.Fault {
	case "nonce":
		c["nonce"] = "of another sign-in"
	case "audience":
		c["aud"] = "another client"
	case "party":
		c["aud"], c["azp"] = []string{ClientID, "another"}, "another"
	case "expired":
		c["exp"] = now.Add(-time.Minute).Unix()
	case "issuer":
		c["iss"] = "https://id.example.net"
	case "key":
		key, kid = p.other, "second"
	case "key under the same name":
		key = p.other
	case "unsigned":
		alg = "none"
	}
	head, err := json.Marshal(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"})
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := json.Marshal(c)
	if err != nil {
		p.t.Fatal(err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(head) + "." + b64.EncodeToString(body)
	if alg == "none" {
		return text + "."
	}
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return text + "." + b64.EncodeToString(sig)
}

// Authorize is what the provider's own page does: it checks what we ask for and sends the browser back with a code.
func (p *Provider) Authorize(to string) url.Values {
	p.t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(to, p.URL+"/authorize?") || q.Get("client_id") != ClientID || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" || !slices.Contains(strings.Fields(q.Get("scope")), "openid") {
		p.t.Fatalf("we ask for %s", to)
	}
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	return url.Values{"state": {q.Get("state")}, "code": {code}, "iss": {p.URL}}
}
