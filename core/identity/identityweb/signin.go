package identityweb

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/web"
)

func (p *Pages) signInRoutes(add adder) {
	add("GET", "/sign-in", access.Public, "", p.askSignIn)
	add("POST", "/sign-in", access.Public, "", p.signIn)
	add("GET", "/sign-in/passkey", access.Public, "", p.askPasskey)
	add("POST", "/sign-in/passkey", access.Public, "", p.signInPasskey)
	add("GET", "/sign-in/second", access.Public, "", p.askSecond)
	add("POST", "/sign-in/second", access.Public, "", p.second)
	add("GET", "/sign-in/enrol", access.Public, "", p.askEnrol)
	add("POST", "/sign-in/enrol", access.Public, "", p.enrol)
	add("GET", "/sign-in/enrol/passkey", access.Public, "", p.askEnrolPasskey)
	add("POST", "/sign-in/enrol/passkey", access.Public, "", p.enrolPasskey)
	add("GET", "/sign-in/with/{name}", access.Public, "", p.toProvider)
	add("GET", "/sign-in/with/{name}/back", access.Public, "", p.fromProvider)
	add("POST", "/sign-out", access.Self, "", p.signOut)
	add("GET", "/signed-out", access.Public, "", p.signedOut)
	add("GET", "/forgot", access.Public, "", p.askReset)
	add("POST", "/forgot", access.Public, "", p.reset)
	add("GET", "/setup/{secret}", access.Public, "", p.askPassword)
	add("POST", "/setup/{secret}", access.Public, "", p.setPassword)
	add("GET", "/setup/{secret}/passkey", access.Public, "", p.askSetupPasskey)
	add("POST", "/setup/{secret}/passkey", access.Public, "", p.setupPasskey)
}

// signInView is the sign-in form.
type signInView struct {
	Email, Next    string
	Fault          string
	Locked         bool
	Providers      []providerButton
	Administrators bool // passwords are for administrators only
	Passkeys       bool // they can be used at this address
	Forgot         bool // a reset can be mailed
}

type providerButton struct{ Title, URL string }

func (p *Pages) signInView(c *web.Ctx, next string) (v signInView, err error) {
	v = signInView{Next: web.Local(next), Forgot: p.Identity.MailOff() == ""}
	site, _ := p.site(c)
	v.Passkeys = site.ID != ""
	policy, err := p.Identity.Policy(c.Context())
	if err != nil {
		return v, err
	}
	v.Administrators = policy.Passwords == identity.PasswordsAdministrators
	list, err := p.Identity.Providers(c.Context())
	for _, x := range list {
		if !x.Spec.Disabled {
			v.Providers = append(v.Providers, providerButton{x.Title(), "/sign-in/with/" + x.Name + "?" + url.Values{"next": {v.Next}}.Encode()})
		}
	}
	return v, err
}

func signInPageOf() web.Page { return web.Page{Title: "Sign in", Bare: true} }

// site is the address to which passkeys are bound, and why they cannot be used at this one.
func (p *Pages) site(c *web.Ctx) (identity.Site, string) {
	return identity.SiteOf(p.ExternalURL, c.R.Host, c.R.TLS != nil)
}

// client is the browser that asks.
func (p *Pages) client(c *web.Ctx) identity.Client {
	x := identity.Client{Address: p.rt.ClientIP(c.R), Agent: c.R.UserAgent()}
	if k, err := c.R.Cookie(p.Identity.DeviceCookieName()); err == nil {
		x.Device = k.Value
	}
	return x
}

func (p *Pages) askSignIn(c *web.Ctx) error {
	next := web.Local(c.Query("next"))
	if c.Viewer.SignedIn() {
		return c.See(next)
	}
	v, err := p.signInView(c, next)
	if err != nil {
		return err
	}
	return c.Render(signInPageOf(), signInPage(v))
}

func (p *Pages) signIn(c *web.Ctx) error {
	email, client := c.Form("email"), p.client(c)
	signed, err := p.Identity.SignIn(c.Context(), identity.SignInput{
		Email: email, Password: c.R.PostFormValue("password"), Address: client.Address, Agent: client.Agent, Device: client.Device,
	})
	if err != nil {
		return p.notSignedIn(c, err, email, c.Form("next"))
	}
	return p.arrive(c, signed, c.Form("next"))
}

// notSignedIn shows the sign-in page with what was wrong, if that is for the person to know.
func (p *Pages) notSignedIn(c *web.Ctx, cause error, email, next string) error {
	switch mainstay.ErrorCode(cause) {
	case mainstay.Unauthenticated, mainstay.TooMany, mainstay.Denied, mainstay.Unavailable, mainstay.Conflict, mainstay.NotFound:
	default:
		return cause
	}
	v, err := p.signInView(c, next)
	if err != nil {
		return err
	}
	v.Email, v.Fault, v.Locked = email, mainstay.ErrorMessage(cause), mainstay.Is(cause, mainstay.TooMany)
	return p.refuse(c, cause, signInPageOf(), signInPage(v))
}

// refuse shows a page with the status of the error, and says when to come back.
func (p *Pages) refuse(c *web.Ctx, err error, page web.Page, body web.Component) error {
	if seconds := web.RetryAfter(err); seconds != "" {
		c.W.Header().Set("Retry-After", seconds)
	}
	page.Status = web.Status(err)
	return c.Render(page, body)
}

// stepCookie is the name of the cookie that carries a sign-in from the first factor to the second.
func (p *Pages) stepCookie() string {
	return p.Identity.CookieName() + "_step"
}

func (p *Pages) setCookie(c *web.Ctx, name, value string, life time.Duration) {
	k := *p.Identity.Cookie("") // its attributes are right for these, too
	k.Name, k.Value, k.MaxAge = name, value, int(life/time.Second)
	if value == "" {
		k.MaxAge = -1
	}
	http.SetCookie(c.W, &k)
}

func (p *Pages) step(c *web.Ctx) string {
	k, err := c.R.Cookie(p.stepCookie())
	if err != nil {
		return ""
	}
	return k.Value
}

// arrive lets somebody in, or leads them to the second step.
func (p *Pages) arrive(c *web.Ctx, signed identity.Signed, next string) error {
	next = web.Local(next)
	if signed.Step != "" {
		p.setCookie(c, p.stepCookie(), signed.Step, identity.StepLife)
		return c.See("/sign-in/second?" + url.Values{"next": {next}}.Encode())
	}
	if err := p.begun(c, signed); err != nil {
		return err
	}
	return c.See(next)
}

// begun gives the browser its new session. Whoever signs in again leaves the session before.
func (p *Pages) begun(c *web.Ctx, signed identity.Signed) error {
	if old := c.Viewer; old.Session != "" {
		if err := p.Identity.SignOut(c.Context(), old.Actor, old.PersonID, old.Session); err != nil {
			return err
		}
	}
	device, err := p.Identity.DeviceCookie(p.client(c), signed.Person.ID)
	if err != nil {
		return err
	}
	http.SetCookie(c.W, device)
	http.SetCookie(c.W, p.Identity.Cookie(signed.Secret))
	if p.step(c) != "" {
		p.setCookie(c, p.stepCookie(), "", 0)
	}
	return nil
}

// secondView is the page that asks for a second factor.
type secondView struct {
	Name      string
	Next      string
	App       bool
	Passkeys  bool // has some, and they can be used at this address
	Elsewhere bool // has some, and they cannot
	Fault     string
	Locked    bool
}

func (p *Pages) secondView(c *web.Ctx, next string) (v secondView, enrol bool, err error) {
	step, person, err := p.Identity.Step(c.Context(), p.step(c))
	if err != nil {
		return v, false, err
	}
	has, err := p.Identity.Factors(c.Context(), person.ID)
	site, _ := p.site(c)
	return secondView{
		Name: person.FullName, Next: web.Local(next), App: !has.Authenticator.IsZero(),
		Passkeys: has.Passkeys > 0 && site.ID != "", Elsewhere: has.Passkeys > 0 && site.ID == "",
	}, step.Enrol, err
}

func secondPageOf() web.Page { return web.Page{Title: "Second factor", Bare: true} }

func (p *Pages) askSecond(c *web.Ctx) error {
	if c.Viewer.SignedIn() {
		return c.See(c.Query("next"))
	}
	v, enrol, err := p.secondView(c, c.Query("next"))
	if mainstay.Is(err, mainstay.Unauthenticated) {
		return c.See("/sign-in?" + url.Values{"next": {web.Local(c.Query("next"))}}.Encode())
	}
	if err != nil {
		return err
	}
	if enrol {
		return c.See("/sign-in/enrol?" + url.Values{"next": {v.Next}}.Encode())
	}
	return c.Render(secondPageOf(), secondPage(v))
}

func (p *Pages) second(c *web.Ctx) error {
	signed, err := p.Identity.Second(c.Context(), p.client(c), p.step(c), c.Form("code"))
	if err == nil {
		return p.arrive(c, signed, c.Form("next"))
	}
	return p.notSecond(c, err)
}

// notSecond shows the second step again, or, when that is over, the first.
func (p *Pages) notSecond(c *web.Ctx, cause error) error {
	v, _, err := p.secondView(c, c.Form("next"))
	if mainstay.Is(err, mainstay.Unauthenticated) {
		return p.notSignedIn(c, cause, "", c.Form("next"))
	}
	if err != nil {
		return err
	}
	if !mainstay.Is(cause, mainstay.Unauthenticated) && !mainstay.Is(cause, mainstay.TooMany) {
		return cause
	}
	v.Fault, v.Locked = mainstay.ErrorMessage(cause), mainstay.Is(cause, mainstay.TooMany)
	return p.refuse(c, cause, secondPageOf(), secondPage(v))
}

// answerJSON answers a script of ours; a fault is a small problem.
func (p *Pages) answerJSON(c *web.Ctx, v any, err error) error {
	status := http.StatusOK
	if err != nil {
		if mainstay.ErrorCode(err) == mainstay.Internal {
			return err
		}
		status = web.Status(err)
		v = map[string]any{"status": status, "detail": mainstay.ErrorMessage(err)}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.W.Header().Set("Content-Type", "application/json")
	c.W.Header().Set("Cache-Control", "no-store")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(b) // a browser that went away asks again
	return nil
}

// askPasskey asks for any passkey, or for one of whoever is in the second step.
func (p *Pages) askPasskey(c *web.Ctx) error {
	site, _ := p.site(c)
	step := ""
	if c.Query("second") != "" {
		step = p.step(c)
	}
	q, err := p.Identity.Assertion(c.Context(), site, step)
	return p.answerJSON(c, q, err)
}

func (p *Pages) signInPasskey(c *web.Ctx) error {
	step := ""
	if c.Checked("second") {
		step = p.step(c)
	}
	signed, err := p.Identity.SignInPasskey(c.Context(), p.client(c), c.R.PostFormValue("state"), c.R.PostFormValue("response"), step)
	if err == nil {
		return p.arrive(c, signed, c.Form("next"))
	}
	if step != "" {
		return p.notSecond(c, err)
	}
	return p.notSignedIn(c, err, "", c.Form("next"))
}

// enrolView is the page on which somebody sets up the second factor that a role of theirs needs.
type enrolView struct {
	Name     string
	Next     string
	App      identity.Enrolment
	Passkeys bool
	Why      string // passkeys cannot be used
	Faults   map[string]string
}

func (p *Pages) enrolView(c *web.Ctx, next, state string) (v enrolView, err error) {
	step, person, err := p.Identity.Step(c.Context(), p.step(c))
	if err != nil {
		return v, err
	}
	if !step.Enrol {
		return v, mainstay.Errorf(mainstay.Unauthenticated, "There is a second factor already.")
	}
	site, why := p.site(c)
	v = enrolView{Name: person.FullName, Next: web.Local(next), Passkeys: site.ID != "", Why: why}
	v.App, err = p.Identity.Enrol(person, p.host(c), state)
	return v, err
}

// host is the name of the server, to tell accounts in an authenticator app apart.
func (p *Pages) host(c *web.Ctx) string {
	if p.ExternalURL != nil {
		return p.ExternalURL.Host
	}
	return c.R.Host
}

func enrolPageOf(status int) web.Page {
	return web.Page{Title: "Set up a second factor", Bare: true, Status: status}
}

func (p *Pages) askEnrol(c *web.Ctx) error {
	v, err := p.enrolView(c, c.Query("next"), "")
	if mainstay.Is(err, mainstay.Unauthenticated) {
		return c.See("/sign-in")
	}
	if err != nil {
		return err
	}
	return c.Render(enrolPageOf(200), enrolPage(v))
}

func (p *Pages) enrol(c *web.Ctx) error {
	state := c.R.PostFormValue("state")
	signed, recovery, err := p.Identity.EnrolAuthenticator(c.Context(), p.client(c), p.step(c), state, c.Form("code"))
	return p.enrolled(c, signed, recovery, err, state)
}

func (p *Pages) askEnrolPasskey(c *web.Ctx) error {
	_, person, err := p.Identity.Step(c.Context(), p.step(c))
	if err != nil {
		return p.answerJSON(c, nil, err)
	}
	site, _ := p.site(c)
	q, err := p.Identity.Registration(c.Context(), site, person.ID)
	return p.answerJSON(c, q, err)
}

func (p *Pages) enrolPasskey(c *web.Ctx) error {
	signed, recovery, err := p.Identity.EnrolPasskey(c.Context(), p.client(c), p.step(c),
		c.R.PostFormValue("state"), c.R.PostFormValue("response"), device(c.R.UserAgent()))
	return p.enrolled(c, signed, recovery, err, "")
}

// enrolled shows the recovery codes, or the page again.
func (p *Pages) enrolled(c *web.Ctx, signed identity.Signed, recovery []string, cause error, state string) error {
	if cause == nil {
		if err := p.begun(c, signed); err != nil {
			return err
		}
		return c.Render(web.Page{Title: "Recovery codes", Bare: true}, codesPage(codesView{Codes: recovery, Next: web.Local(c.Form("next"))}))
	}
	v, err := p.enrolView(c, c.Form("next"), state)
	if mainstay.Is(err, mainstay.Unauthenticated) {
		return p.notSignedIn(c, cause, "", c.Form("next"))
	}
	if err != nil {
		return err
	}
	if v.Faults = mainstay.ErrorFields(cause); v.Faults == nil {
		v.Faults = map[string]string{"": mainstay.ErrorMessage(cause)}
	}
	return p.refuse(c, cause, enrolPageOf(0), enrolPage(v))
}

// awayCookie is the cookie of one sign-in at a provider: several may be under way in several tabs.
func (p *Pages) awayCookie(state string) string {
	return p.Identity.CookieName() + "_away_" + state[:min(len(state), 8)]
}

// back is our address to which a provider sends browsers.
func (p *Pages) back(c *web.Ctx) string {
	return p.base(c) + "/sign-in/with/" + c.Path("name") + "/back"
}

func (p *Pages) toProvider(c *web.Ctx) error {
	away, err := p.Identity.ToProvider(c.Context(), c.Path("name"), p.back(c), web.Local(c.Query("next")))
	if err != nil {
		return p.notSignedIn(c, err, "", c.Query("next"))
	}
	p.setCookie(c, p.awayCookie(away.State), away.Cookie, identity.AwayLife)
	c.W.Header().Set("Cache-Control", "no-store")
	http.Redirect(c.W, c.R, away.URL, http.StatusSeeOther)
	return nil
}

func (p *Pages) fromProvider(c *web.Ctx) error {
	name, cookie := p.awayCookie(c.Query("state")), ""
	if k, err := c.R.Cookie(name); err == nil {
		cookie = k.Value
		p.setCookie(c, name, "", 0)
	}
	signed, next, err := p.Identity.FromProvider(c.Context(), p.client(c), c.Path("name"), cookie, c.R.URL.Query())
	if err != nil {
		return p.notSignedIn(c, err, "", next)
	}
	return p.arrive(c, signed, next)
}

func (p *Pages) signOut(c *web.Ctx) error {
	to := "/sign-in"
	if c.Viewer.Session != "" {
		sessions, err := p.Identity.Sessions(c.Context(), c.Viewer.PersonID)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			if s.ID == c.Viewer.Session && s.Provider != "" {
				to = "/signed-out?" + url.Values{"from": {s.Provider}}.Encode()
			}
		}
		if err := p.Identity.SignOut(c.Context(), c.Actor(), c.Viewer.PersonID, c.Viewer.Session); err != nil {
			return err
		}
	}
	http.SetCookie(c.W, p.Identity.Cookie(""))
	c.Say("You are signed out.")
	return c.See(to)
}

// signedOut says that one is signed out here, and how to do the same at the provider.
func (p *Pages) signedOut(c *web.Ctx) error {
	v := signedOutView{}
	if x, err := p.Identity.Provider(c.Context(), c.Query("from")); err == nil {
		v.Title = x.Title()
		v.URL = p.Identity.LeaveURL(c.Context(), x.Name, p.base(c)+"/sign-in")
	}
	return c.Render(web.Page{Title: "Signed out", Bare: true}, signedOutPage(v))
}

type signedOutView struct{ Title, URL string }

// resetView is the form that asks for a new password.
type resetView struct {
	Email  string
	Done   bool
	Off    bool // no mail can be sent
	Fault  string
	Faults map[string]string
}

func resetPageOf() web.Page { return web.Page{Title: "Forgotten password", Bare: true} }

func (p *Pages) askReset(c *web.Ctx) error {
	return c.Render(resetPageOf(), resetPage(resetView{Off: p.Identity.MailOff() != ""}))
}

func (p *Pages) reset(c *web.Ctx) error {
	v := resetView{Email: c.Form("email"), Off: p.Identity.MailOff() != ""}
	err := p.Identity.AskReset(c.Context(), p.client(c), v.Email)
	switch {
	case err == nil:
		v.Done = true
		return c.Render(resetPageOf(), resetPage(v))
	case mainstay.ErrorFields(err) != nil:
		v.Faults = mainstay.ErrorFields(err)
	case mainstay.Is(err, mainstay.TooMany), mainstay.Is(err, mainstay.Conflict):
		v.Fault = mainstay.ErrorMessage(err)
	default:
		return err
	}
	return p.refuse(c, err, resetPageOf(), resetPage(v))
}

// app is an authenticator app that is being set up.
type app = identity.Enrolment

// passkeyAsk is a form that asks the browser for a passkey.
type passkeyAsk struct {
	Kind   string // "get" or "create"
	Ask    string // where the question comes from
	Action string // where the answer goes
	Next   string
	Offer  bool // the browser may offer it where the address is typed
	Second bool
}
