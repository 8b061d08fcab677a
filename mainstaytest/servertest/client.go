package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay/core/identity"
)

// Password is that of everybody whom As signs in.
const Password = "a bridge over nothing"

// Client asks a server in the same process, as one viewer. The zero value of what it holds is nobody.
type Client struct {
	s      *Server
	Token  string       // sent as bearer
	Cookie *http.Cookie // of a session
}

// Nobody is a client without credentials.
func (s *Server) Nobody() *Client { return &Client{s: s} }

// With is a client with an API token.
func (s *Server) With(token string) *Client { return &Client{s: s, Token: token} }

// As is a client in whose session the person (by name) has signed in. The person needs a mail address, and gets the Password.
func (s *Server) As(t testing.TB, name string) *Client {
	t.Helper()
	c := &Client{s: s}
	c.SignIn(t, name)
	return c
}

// SignIn begins another session for the person.
func (c *Client) SignIn(t testing.TB, name string) {
	t.Helper()
	p, err := c.s.People.ByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	in := identity.SignInput{Email: p.Email, Password: Password, Address: "192.0.2.1", Agent: "test"}
	signed, err := c.s.Identity.SignIn(t.Context(), in)
	if err != nil {
		if err := c.s.Identity.SetPassword(t.Context(), Operator, p.ID, Password); err != nil {
			t.Fatal(err)
		}
		if signed, err = c.s.Identity.SignIn(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	c.Cookie = c.s.Identity.Cookie(signed.Secret)
}

// Answer is what the server said.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Request is a request of the client, with its credentials and an Accept header as a browser sends for pages and a program for
// everything else.
func (c *Client) Request(ctx context.Context, method, path string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, path, body).WithContext(ctx)
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if strings.HasPrefix(path, "/api/") {
		r.Header.Set("Accept", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if c.Cookie != nil {
		r.AddCookie(c.Cookie)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

// Do sends a request.
func (c *Client) Do(r *http.Request) Answer {
	w := httptest.NewRecorder()
	c.s.Handler().ServeHTTP(w, r)
	return Answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Begin sends a request whose answer does not end, and goes away once the server has sent the first of it.
func (c *Client) Begin(t testing.TB, path string) Answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &leaver{ResponseRecorder: httptest.NewRecorder(), leave: cancel}
	c.s.Handler().ServeHTTP(w, c.Request(ctx, http.MethodGet, path, nil))
	return Answer{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// leaver is a reader who goes away at the first flush.
type leaver struct {
	*httptest.ResponseRecorder
	leave func()
}

// Flush implements http.Flusher.
func (l *leaver) Flush() {
	l.ResponseRecorder.Flush()
	l.leave()
}

// Get reads a path.
func (c *Client) Get(t testing.TB, path string) Answer {
	t.Helper()
	return c.Do(c.Request(t.Context(), http.MethodGet, path, nil))
}

// Post sends a form.
func (c *Client) Post(t testing.TB, path string, form url.Values) Answer {
	t.Helper()
	r := c.Request(t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Do(r)
}

// Send sends JSON; in may be a text that is JSON already, or nil for no body.
func (c *Client) Send(t testing.TB, method, path string, in any) Answer {
	t.Helper()
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r := c.Request(t.Context(), method, path, body)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.Do(r)
}

// JSON reads the body into v.
func (a Answer) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatalf("%d %s: %v\n%.500s", a.Status, a.Header.Get("Content-Type"), err, a.Body)
	}
}

// Doc reads the body as a page.
func (a Answer) Doc(t testing.TB) *goquery.Document {
	t.Helper()
	d, err := goquery.NewDocumentFromReader(strings.NewReader(a.Body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
