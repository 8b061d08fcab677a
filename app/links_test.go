package app_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// wanderer is somebody signed in who follows every link, without script.
type wanderer struct {
	*servertest.Client
	from    map[string]string // where the link to an address was found
	waiting []string
	pages   int
}

// TestEveryPageCanBeReached follows every link from Now on as an administrator: each answers, and none of the places that people
// need is missing.
func TestEveryPageCanBeReached(t *testing.T) {
	t.Parallel()
	w := openHarbour(t, servertest.New(t, "sqlite"))
	w.Apply(t, "apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: root}\nspec: {email: root@example.org, roles: [{role: administrator}]}\n")
	c := &wanderer{Client: w.As(t, "root"), from: map[string]string{"/": "the beginning"}, waiting: []string{"/"}}
	for len(c.waiting) > 0 && c.pages < 1000 {
		at := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.visit(t, at)
	}
	for _, must := range []string{
		"/alerts", "/incidents", "/schedules", "/actions", "/articles", "/projects", "/people", "/teams", "/rootcauses", "/components", "/windows",
		"/plans", "/policies", "/routes", "/heartbeats", "/mine", "/me", "/admin/keys", "/admin/tokens", "/admin/journal", "/admin/notifications",
		"/search", "/alerts/ALR-1", "/pages/PAG-1", "/incidents/INC-1", "/rootcauses/RCA-1",
	} {
		if _, ok := c.from[must]; !ok {
			t.Errorf("no link leads to %s", must)
		}
	}
	t.Logf("%d pages", c.pages)
}

// visit opens an address and collects the links of the page.
func (c *wanderer) visit(t *testing.T, at string) {
	t.Helper()
	a := c.Get(t, at)
	if a.Status != 200 {
		t.Errorf("%s (found on %s) answers %d", at, c.from[at], a.Status)
	}
	if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		return
	}
	c.pages++
	here, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	a.Doc(t).Find("a[href]").Each(func(_ int, s *goquery.Selection) {
		to, err := here.Parse(s.AttrOr("href", ""))
		switch {
		case err != nil:
			t.Errorf("%s links to %q: %v", at, s.AttrOr("href", ""), err)
		case to.IsAbs() || to.Host != "" || strings.HasPrefix(to.Path, "/assets/") || len(to.Query()) > 2:
			return // elsewhere, or one of many ways to filter a list
		default:
			to.Fragment = ""
			if _, seen := c.from[to.String()]; !seen {
				c.from[to.String()] = at
				c.waiting = append(c.waiting, to.String())
			}
		}
	})
}
