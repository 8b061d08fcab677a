package web

import (
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/mainstayhq/mainstay/web/ui"
)

// sensitive reports whether a form's field holds a password or another secret.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "password") || strings.Contains(name, "secret") || name == "present" || name == "again"
}

// askSignIn sends a reader to the sign-in page, and gives someone whose session ended while they typed a page that keeps
// what they typed: they sign in beside it and send it again.
func (c *Ctx) askSignIn() {
	if !unsafeMethod(c.R.Method) {
		to := "/sign-in?next=" + url.QueryEscape(c.R.URL.RequestURI())
		c.W.Header().Set("Cache-Control", "no-store")
		if c.R.Header.Get(liveHeader) != "" {
			c.renderFailure(Page{Title: "Signed out", Status: http.StatusUnauthorized, Bare: true}, ui.FailurePage(ui.Failure{Status: http.StatusUnauthorized, Title: "Signed out", Message: "Your session has ended. Sign in to go on."}))
			return
		}
		http.Redirect(c.W, c.R, to, http.StatusSeeOther)
		return
	}
	view := ui.LapsedView{Action: c.R.URL.RequestURI(), SignIn: "/sign-in?next=" + url.QueryEscape("/signed-in")}
	names := make([]string, 0, len(c.R.PostForm))
	for name := range c.R.PostForm {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if sensitive(name) {
			view.Dropped = true // never echoed into a page
			continue
		}
		for _, value := range c.R.PostForm[name] {
			view.Fields = append(view.Fields, ui.Pair{Name: name, Value: value})
		}
	}
	if c.R.MultipartForm != nil && len(c.R.MultipartForm.File) > 0 {
		view.Dropped = true
	}
	c.renderFailure(Page{Title: "Your session has ended", Status: http.StatusUnauthorized, Bare: true}, ui.LapsedPage(view))
}
