package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Ctx is one request to a page. Ref and Project are set on routes with a Kind. Now is the request's one "now".
type Ctx struct {
	W       http.ResponseWriter
	R       *http.Request
	Viewer  access.Viewer
	Ref     mainstay.Ref
	Project string
	Now     time.Time

	rt           *Router
	says         []ui.Said
	shown        bool   // something was written
	livePosition string // of the live stream, before the handler read anything
}

// Context is the request's context.
func (c *Ctx) Context() context.Context { return c.R.Context() }

// Actor is the viewer as facts name them.
func (c *Ctx) Actor() mainstay.Actor { return c.Viewer.Actor }

// May reports whether the viewer holds the permission in the project of this request, or anywhere when it has none.
func (c *Ctx) May(p access.Permission) bool {
	if c.Project == "" {
		return c.Viewer.MayAny(p)
	}
	return c.Viewer.May(p, c.Project)
}

// Path is the path value of that name.
func (c *Ctx) Path(name string) string { return c.R.PathValue(name) }

// Query is the trimmed query parameter of that name.
func (c *Ctx) Query(name string) string { return strings.TrimSpace(c.R.URL.Query().Get(name)) }

// Form is the trimmed form value of that name.
func (c *Ctx) Form(name string) string { return strings.TrimSpace(c.R.PostFormValue(name)) }

// FormAll is every value of a field that may be sent several times.
func (c *Ctx) FormAll(name string) []string { return c.R.PostForm[name] }

// Checked reports whether a checkbox was ticked.
func (c *Ctx) Checked(name string) bool { return c.R.PostFormValue(name) != "" }

// FormInt is the form value as a number; text that is none is a fault of that field.
func (c *Ctx) FormInt(name string) (int64, error) {
	n, err := strconv.ParseInt(c.Form(name), 10, 64)
	if err != nil {
		var faults mainstay.Faults
		faults.Add(name, "must be a whole number")
		return 0, faults.Err()
	}
	return n, nil
}

// Say puts a toast on the next page that the viewer sees.
func (c *Ctx) Say(format string, args ...any) {
	c.says = append(c.says, ui.Said{Text: fmt.Sprintf(format, args...)})
}

// Offer puts a toast with a button on the next page: pressing it posts to url. It is how a step is undone.
func (c *Ctx) Offer(label, url, format string, args ...any) {
	c.says = append(c.says, ui.Said{Text: fmt.Sprintf(format, args...), Label: label, URL: url})
}

// See sends the viewer on to another page of Mainstay (303).
func (c *Ctx) See(to string) error {
	if len(c.says) > 0 {
		c.keepSays()
	}
	c.shown = true
	c.W.Header().Set("Cache-Control", "no-store")
	http.Redirect(c.W, c.R, Local(to), http.StatusSeeOther)
	return nil
}

// Local is the address if it is one of this server ("/incidents?x=1"), else "/": nothing that a form or a query brings may
// send people elsewhere.
func Local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || u.Opaque != "" || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// Render writes a whole page: body in the shell.
func (c *Ctx) Render(p Page, body Component) error {
	ctx := c.uiContext()
	shell := c.shell(ctx, p)
	var page bytes.Buffer
	if err := ui.Document(shell, body).Render(ctx, &page); err != nil {
		return fmt.Errorf("rendering %q: %w", p.Title, err)
	}
	return c.write(p.Status, page.Bytes())
}

// Part writes a component alone, for requests that replace one part of a page.
func (c *Ctx) Part(body Component) error {
	var part bytes.Buffer
	if err := body.Render(c.uiContext(), &part); err != nil {
		return fmt.Errorf("rendering a part: %w", err)
	}
	return c.write(0, part.Bytes())
}

func (c *Ctx) write(status int, body []byte) error {
	if status == 0 {
		status = http.StatusOK
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.shown = true
	c.W.WriteHeader(status)
	_, err := c.W.Write(body)
	if err != nil {
		c.rt.cfg.Log.DebugContext(c.Context(), "page not delivered", "err", err)
	}
	return nil
}

// uiContext carries what components ask for: now, the viewer's zone, the project's.
func (c *Ctx) uiContext() context.Context {
	ctx := ui.WithClock(c.Context(), c.Now, c.Viewer.Location())
	if c.rt.cfg.Zone != nil && c.Project != "" {
		if z, err := c.rt.cfg.Zone(ctx, c.Project); err == nil && z != nil {
			ctx = ui.WithProjectZone(ctx, z)
		}
	}
	return ctx
}

func (c *Ctx) me() Me {
	if c.rt.cfg.Me == nil || !c.Viewer.SignedIn() {
		return Me{}
	}
	me, err := c.rt.cfg.Me(c.Context(), c.Viewer)
	if err != nil {
		c.rt.cfg.Log.WarnContext(c.Context(), "viewer's name not found", "err", err)
	}
	return me
}

// Toasts travel in a cookie that the next page eats. It holds text for this viewer alone, shown escaped.
const sayCookie = "mainstay_say"

func (c *Ctx) keepSays() {
	b, err := json.Marshal(c.says)
	if err != nil || len(b) > 2048 {
		return
	}
	http.SetCookie(c.W, &http.Cookie{
		Name: sayCookie, Value: base64.RawURLEncoding.EncodeToString(b), Path: "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.rt.secure(),
	})
}

func (c *Ctx) eatSays() []ui.Said {
	says := c.says
	cookie, err := c.R.Cookie(sayCookie)
	if err != nil {
		return says
	}
	if c.R.Header.Get(liveHeader) != "" {
		return says // a refresh in the background must not eat what the viewer has not seen
	}
	http.SetCookie(c.W, &http.Cookie{Name: sayCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: c.rt.secure()})
	b, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil {
		return says
	}
	var kept []ui.Said
	if json.Unmarshal(b, &kept) != nil {
		return says
	}
	for i := range kept {
		if kept[i].URL != "" {
			kept[i].URL = Local(kept[i].URL)
		}
	}
	return append(kept, says...)
}

func (rt *Router) secure() bool {
	return rt.cfg.TLS || rt.cfg.ExternalURL != nil && rt.cfg.ExternalURL.Scheme == "https"
}
