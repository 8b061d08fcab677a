package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// person is somebody who has signed in, as a browser without script would be: cookies, pages and forms.
type person struct {
	s        *server
	Name     string
	ID       string
	Email    string
	Password string
	client   *http.Client
}

// signIn signs in through the form.
func (s *server) signIn(t testing.TB, name, email, password string) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{s: s, Name: name, Email: email, Password: password, client: &http.Client{Jar: jar}}
	page := p.submit(t, "/sign-in", url.Values{"email": {email}, "password": {password}})
	if strings.Contains(page, `name="password"`) {
		t.Fatalf("%s could not sign in:\n%s", email, text(page))
	}
	return p
}

var setupLink = regexp.MustCompile(`https?://[^<"]*/setup/[^<"]*`)

// invite lets an administrator make a link, by which the person sets a password and is signed in.
func (p *person) invite(t testing.TB, name, email, password string) *person {
	t.Helper()
	link, err := url.Parse(html.UnescapeString(setupLink.FindString(p.submit(t, "/admin/people/"+name+"/link", url.Values{}))))
	if err != nil || link.Path == "" {
		t.Fatalf("there is no link for %s to set a password with: %v", name, err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := &person{s: p.s, Name: name, Email: email, Password: password, client: &http.Client{Jar: jar}}
	n.submit(t, link.Path, url.Values{"password": {password}, "again": {password}})
	var who struct{ ID string }
	p.api(t, "GET", "/people/"+name, nil, &who)
	n.ID = who.ID
	return n
}

// page reads a page and wants it to be there.
func (p *person) page(t testing.TB, path string) string {
	t.Helper()
	res, err := p.client.Get("http://" + p.s.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	return p.whole(t, res, path)
}

// submit posts a form and follows where it leads.
func (p *person) submit(t testing.TB, path string, form url.Values) string {
	t.Helper()
	res, err := p.client.PostForm("http://"+p.s.addr+path, form)
	if err != nil {
		t.Fatal(err)
	}
	return p.whole(t, res, path)
}

func (p *person) whole(t testing.TB, res *http.Response, path string) string {
	t.Helper()
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		t.Fatalf("%s: %s answers %d\n%s", p.Name, path, res.StatusCode, text(string(b)))
	}
	return string(b)
}

// api asks the REST API with the person's session, and wants success.
func (p *person) api(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := p.try(method, path, in, out); err != nil {
		t.Fatalf("%s: %s %s: %v", p.Name, method, path, err)
	}
}

// refused asks the REST API for something that must be answered with the status.
func (p *person) refused(t testing.TB, status int, method, path string, in any) {
	t.Helper()
	err := p.try(method, path, in, nil)
	if e, ok := err.(*statusError); !ok || e.code != status { //nolint:errorlint // it is made right there
		t.Errorf("%s: %s %s must answer %d, not %v", p.Name, method, path, status, err)
	}
}

func (p *person) try(method, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, "http://"+p.s.addr+"/api/v1"+path, nil)
	if err != nil {
		return err
	}
	if in != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	if b, err = io.ReadAll(res.Body); err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return &statusError{res.StatusCode, string(b)}
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	reflect.ValueOf(out).Elem().SetZero() // what the answer leaves out must not stay from an answer before
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("%w: %s", err, b)
	}
	return nil
}

var (
	markup = regexp.MustCompile(`(?s)<(script|style|svg|head)\b.*?</(script|style|svg|head)>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// text is what a reader sees of a page, roughly.
func text(page string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(markup.ReplaceAllString(page, " ")), " "))
}
