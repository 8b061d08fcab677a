package identityweb

import (
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
)

func (p *Pages) securityRoutes(add adder) {
	add("GET", "/me", access.Self, "", p.me)
	add("GET", "/me/security", access.Self, "", p.security)
	add("POST", "/me/password", access.Self, "", p.changePassword)
	add("GET", "/me/security/authenticator", access.Self, "", p.askAuthenticator)
	add("POST", "/me/security/authenticator", access.Self, "", p.confirmAuthenticator)
	add("POST", "/me/security/authenticator/remove", access.Self, "", p.removeAuthenticator)
	add("POST", "/me/security/recovery", access.Self, "", p.newRecovery)
	add("GET", "/me/security/passkeys/new", access.Self, "", p.askNewPasskey)
	add("POST", "/me/security/passkeys", access.Self, "", p.addPasskey)
	add("GET", "/me/security/passkeys/{passkey}", access.Self, "", p.editPasskey)
	add("POST", "/me/security/passkeys/{passkey}", access.Self, "", p.savePasskey)
	add("POST", "/me/security/passkeys/{passkey}/remove", access.Self, "", p.removePasskey)
	add("POST", "/me/security/accounts/{name}/unlink", access.Self, "", p.unlink)
	add("POST", "/me/sessions/{session}/end", access.Self, "", p.endSession)
	add("POST", "/me/sign-out-elsewhere", access.Self, "", p.endElsewhere)
	add("POST", "/me/sign-out-everywhere", access.Self, "", p.endSessions)
}

// securityView is how the viewer signs in, and where they are signed in.
type securityView struct {
	Person    people.Person
	Has       identity.Having
	Must      bool // a role needs a second factor
	Passkeys  []identity.Passkey
	May       bool   // passkeys can be used at this address
	Why       string // why not
	Accounts  []accountRow
	Sessions  []sessionRow
	Faults    map[string]string // of the form Form
	Form      string            // "password", "authenticator", "recovery", "passkey", "account:NAME"
	Fault     string            // of that form as a whole
	ProofHint string
}

type accountRow struct {
	identity.Account
	Title string
}

type sessionRow struct {
	identity.Session
	Device string
	Here   bool
	End    string // where its end is posted to
}

func sessionRows(list []identity.Session, here, base string) []sessionRow {
	var rows []sessionRow
	for _, s := range list {
		rows = append(rows, sessionRow{s, device(s.Agent), s.ID == here, base + "/" + s.ID + "/end"})
	}
	return rows
}

// of are the faults of the form with the name.
func (v securityView) of(form string) map[string]string {
	if v.Form == form {
		return v.Faults
	}
	return nil
}

func (p *Pages) securityView(c *web.Ctx) (v securityView, err error) {
	if c.Viewer.PersonID == "" {
		return v, errNoPerson()
	}
	ctx := c.Context()
	if v.Person, err = p.People.ByID(ctx, c.Viewer.PersonID); err != nil {
		return v, err
	}
	if v.Has, err = p.Identity.Factors(ctx, v.Person.ID); err != nil {
		return v, err
	}
	if v.Must, err = p.Identity.MustHaveSecond(ctx, v.Person.ID); err != nil {
		return v, err
	}
	if v.Passkeys, err = p.Identity.PasskeysOf(ctx, v.Person.ID); err != nil {
		return v, err
	}
	site, why := p.site(c)
	v.May, v.Why = site.ID != "", why
	if v.Accounts, err = p.accounts(c, v.Person.ID); err != nil {
		return v, err
	}
	switch {
	case v.Has.Password && !v.Has.Authenticator.IsZero():
		v.ProofHint = "Your password, a code of the app, or a recovery code."
	case v.Has.Password:
		v.ProofHint = "Your password, or a recovery code."
	case !v.Has.Authenticator.IsZero():
		v.ProofHint = "A code of the app, or a recovery code."
	}
	sessions, err := p.Identity.Sessions(ctx, v.Person.ID)
	v.Sessions = sessionRows(sessions, c.Viewer.Session, "/me/sessions")
	return v, err
}

func (p *Pages) accounts(c *web.Ctx, person string) ([]accountRow, error) {
	list, err := p.Identity.AccountsOf(c.Context(), person)
	var rows []accountRow
	for _, a := range list {
		title := a.Provider
		if x, err := p.Identity.Provider(c.Context(), a.Provider); err == nil {
			title = x.Title()
		}
		rows = append(rows, accountRow{a, title})
	}
	return rows, err
}

func securityPageOf(status int) web.Page {
	return web.Page{Title: "Sign-in and security", Status: status, Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Sign-in and security"}}}
}

func (p *Pages) security(c *web.Ctx) error {
	v, err := p.securityView(c)
	if err != nil {
		return err
	}
	return c.Render(securityPageOf(200), securityPage(v))
}

// insecure shows the page again with what is wrong with a form.
func (p *Pages) insecure(c *web.Ctx, form string, cause error) error {
	v, err := p.securityView(c)
	if err != nil {
		return err
	}
	v.Form = form
	switch v.Faults = mainstay.ErrorFields(cause); {
	case v.Faults != nil:
	case mainstay.Is(cause, mainstay.TooMany), mainstay.Is(cause, mainstay.Conflict), mainstay.Is(cause, mainstay.Gone), mainstay.Is(cause, mainstay.Unauthenticated), mainstay.Is(cause, mainstay.Invalid):
		v.Fault = mainstay.ErrorMessage(cause)
	default:
		return cause
	}
	if mainstay.Is(cause, mainstay.Unauthenticated) { // not the session is in doubt, but a passkey
		cause = mainstay.Errorf(mainstay.Invalid, "%s", v.Fault)
	}
	return p.refuse(c, cause, securityPageOf(0), securityPage(v))
}

func (p *Pages) proof(c *web.Ctx) identity.Proof {
	return identity.Proof{Person: c.Viewer.PersonID, Session: c.Viewer.Session, Text: c.Form("proof")}
}

func (p *Pages) changePassword(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	password := c.R.PostFormValue("password")
	var err error
	if password != c.R.PostFormValue("again") {
		err = mainstay.Faults{"again": "The two are not the same."}.Err()
	} else {
		err = p.Identity.ChangePassword(c.Context(), c.Viewer.PersonID, c.Viewer.Session, c.R.PostFormValue("present"), password)
	}
	if err != nil {
		return p.insecure(c, "password", err)
	}
	c.Say("Your password is changed. Every other session has ended.")
	return c.See("/me/security")
}

// appView is the page that sets up an authenticator app.
type appView struct {
	App    identity.Enrolment
	Faults map[string]string
}

func (p *Pages) appPage(c *web.Ctx, state string, faults map[string]string, status int) error {
	x, err := p.People.ByID(c.Context(), c.Viewer.PersonID)
	if err != nil {
		return err
	}
	v := appView{Faults: faults}
	if v.App, err = p.Identity.Enrol(x, p.host(c), state); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Authenticator app", Status: status, Crumbs: []web.Crumb{
		{Text: "You", URL: "/me"}, {Text: "Sign-in and security", URL: "/me/security"}, {Text: "Authenticator app"},
	}}, appSetupPage(v))
}

func (p *Pages) askAuthenticator(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	return p.appPage(c, "", nil, 200)
}

func (p *Pages) confirmAuthenticator(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	state := c.R.PostFormValue("state")
	recovery, err := p.Identity.Confirm(c.Context(), c.Actor(), c.Viewer.PersonID, state, c.Form("code"))
	switch {
	case mainstay.Is(err, mainstay.Gone):
		return p.appPage(c, "", map[string]string{"code": mainstay.ErrorMessage(err)}, web.Status(err))
	case mainstay.ErrorFields(err) != nil:
		return p.appPage(c, state, mainstay.ErrorFields(err), 422)
	case err != nil:
		return p.insecure(c, "authenticator", err)
	}
	return p.added(c, "The authenticator app is set up. From now on you sign in with a code, too.", recovery)
}

// codesView shows recovery codes, this once.
type codesView struct {
	Codes []string
	Next  string
}

// added shows new recovery codes, if there are any.
func (p *Pages) added(c *web.Ctx, says string, recovery []string) error {
	if len(recovery) == 0 {
		c.Say("%s", says)
		return c.See("/me/security")
	}
	return c.Render(web.Page{Title: "Recovery codes", Bare: true}, codesPage(codesView{Codes: recovery, Next: "/me/security"}))
}

func (p *Pages) removeAuthenticator(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	if err := p.Identity.Disable(c.Context(), p.proof(c)); err != nil {
		return p.insecure(c, "authenticator", err)
	}
	c.Say("The authenticator app is removed.")
	return c.See("/me/security")
}

func (p *Pages) newRecovery(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	codes, err := p.Identity.NewRecoveryCodes(c.Context(), p.proof(c))
	if err != nil {
		return p.insecure(c, "recovery", err)
	}
	return p.added(c, "New recovery codes are made. The former ones count no more.", codes)
}

func (p *Pages) askNewPasskey(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return p.answerJSON(c, nil, errNoPerson())
	}
	site, _ := p.site(c)
	q, err := p.Identity.Registration(c.Context(), site, c.Viewer.PersonID)
	return p.answerJSON(c, q, err)
}

func (p *Pages) addPasskey(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	name := c.Form("name")
	if name == "" {
		name = device(c.R.UserAgent())
	}
	key, recovery, err := p.Identity.Register(c.Context(), c.Actor(), c.Viewer.PersonID, c.R.PostFormValue("state"), c.R.PostFormValue("response"), name)
	if err != nil {
		return p.insecure(c, "passkey", err)
	}
	return p.added(c, "The passkey "+key.Name+" is added. You can sign in with it.", recovery)
}

// passkeyView is one passkey's page.
type passkeyView struct {
	Key    identity.Passkey
	Hint   string
	Proof  bool // a proof is typed
	Faults map[string]string
	Fault  string
}

func (p *Pages) passkeyPage(c *web.Ctx, cause error) error {
	v, err := p.securityView(c)
	if err != nil {
		return err
	}
	for _, k := range v.Passkeys {
		if k.ID != c.Path("passkey") {
			continue
		}
		x := passkeyView{Key: k, Hint: v.ProofHint, Proof: v.ProofHint != "", Faults: mainstay.ErrorFields(cause)}
		if cause != nil && x.Faults == nil {
			x.Fault = mainstay.ErrorMessage(cause)
		}
		page := web.Page{Title: k.Name, Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Sign-in and security", URL: "/me/security"}, {Text: k.Name}}}
		return p.refuse(c, cause, page, passkeyOnePage(x))
	}
	return mainstay.Errorf(mainstay.NotFound, "There is no such passkey.")
}

func (p *Pages) editPasskey(c *web.Ctx) error { return p.passkeyPage(c, nil) }

func (p *Pages) savePasskey(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	err := p.Identity.RenamePasskey(c.Context(), c.Viewer.PersonID, c.Path("passkey"), c.Form("name"))
	if mainstay.ErrorFields(err) != nil {
		return p.passkeyPage(c, err)
	}
	if err != nil {
		return err
	}
	c.Say("The passkey is called %s now.", c.Form("name"))
	return c.See("/me/security")
}

func (p *Pages) removePasskey(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	key, err := p.Identity.RemovePasskey(c.Context(), p.proof(c), c.Path("passkey"))
	if mainstay.ErrorFields(err) != nil || mainstay.Is(err, mainstay.Conflict) || mainstay.Is(err, mainstay.TooMany) {
		return p.passkeyPage(c, err)
	}
	if err != nil {
		return err
	}
	c.Say("The passkey %s is removed. Delete it on your device, too.", key.Name)
	return c.See("/me/security")
}

func (p *Pages) unlink(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	name := c.Path("name")
	if err := p.Identity.Unlink(c.Context(), p.proof(c), name); err != nil {
		return p.insecure(c, "account:"+name, err)
	}
	c.Say("The account is unlinked. It is linked again when you next sign in with it.")
	return c.See("/me/security")
}

func (p *Pages) endSession(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	if err := p.Identity.SignOut(c.Context(), c.Actor(), c.Viewer.PersonID, c.Path("session")); err != nil {
		return err
	}
	c.Say("That session has ended.")
	return c.See("/me/security")
}

func (p *Pages) endElsewhere(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return errNoPerson()
	}
	if err := p.Identity.SignOutEverywhere(c.Context(), c.Actor(), c.Viewer.PersonID, c.Viewer.Session); err != nil {
		return err
	}
	c.Say("Every other session has ended.")
	return c.See("/me/security")
}

func (p *Pages) endSessions(c *web.Ctx) error {
	if c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.Denied, "A token has no sessions.")
	}
	if err := p.Identity.SignOutEverywhere(c.Context(), c.Actor(), c.Viewer.PersonID, ""); err != nil {
		return err
	}
	http.SetCookie(c.W, p.Identity.Cookie(""))
	c.Say("You are signed out everywhere.")
	return c.See("/sign-in")
}
