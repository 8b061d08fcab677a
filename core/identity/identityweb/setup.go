package identityweb

import (
	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/web"
)

// setupView is the form behind a one-time link.
type setupView struct {
	First       bool // the first administrator, else a person whom somebody manages
	Reset       bool // a forgotten password
	Email, Name string
	Passkeys    bool // one may be set in place of a password
	Action      string
	Faults      map[string]string
}

func (p *Pages) setupView(c *web.Ctx) (setupView, error) {
	x, link, err := p.Identity.FindLink(c.Context(), c.Path("secret"))
	v := setupView{First: x.ID == "", Reset: link.Purpose == identity.ForReset, Email: x.Email, Name: x.FullName, Action: "/setup/" + c.Path("secret")}
	if err != nil || v.First {
		return v, err
	}
	has, err := p.Identity.Factors(c.Context(), x.ID)
	site, _ := p.site(c)
	v.Passkeys = site.ID != "" && !has.Second()
	return v, err
}

func (v setupView) page(status int) web.Page {
	title := "Set your password"
	if v.First {
		title = "Set Mainstay up"
	}
	return web.Page{Title: title, Bare: true, Status: status}
}

func (p *Pages) askPassword(c *web.Ctx) error {
	v, err := p.setupView(c)
	if err != nil {
		return err
	}
	c.W.Header().Set("Referrer-Policy", "no-referrer") // the address is a secret
	return c.Render(v.page(200), setupPage(v))
}

func (p *Pages) setPassword(c *web.Ctx) error {
	v, err := p.setupView(c)
	if err != nil {
		return err
	}
	if v.First {
		v.Email, v.Name = c.Form("email"), c.Form("name")
	}
	password := c.R.PostFormValue("password")
	if password != c.R.PostFormValue("again") {
		err = mainstay.Faults{"again": "The two are not the same."}.Err()
	} else {
		v.Email, err = p.Identity.UseLink(c.Context(), c.Path("secret"), v.Email, v.Name, password)
	}
	if v.Faults = mainstay.ErrorFields(err); v.Faults != nil {
		return c.Render(v.page(422), setupPage(v))
	}
	if err != nil {
		return err
	}
	client := p.client(c)
	signed, err := p.Identity.SignIn(c.Context(), identity.SignInput{
		Email: v.Email, Password: password, Address: client.Address, Agent: client.Agent, Device: client.Device,
	})
	if err != nil { // such as a locked address: the password is set all the same
		c.Say("The password is set.")
		return p.notSignedIn(c, err, v.Email, "/")
	}
	if signed.Step == "" {
		c.Say("Welcome. The password is set and you are signed in.")
	}
	return p.arrive(c, signed, "/")
}

func (p *Pages) askSetupPasskey(c *web.Ctx) error {
	site, _ := p.site(c)
	q, err := p.Identity.LinkRegistration(c.Context(), site, c.Path("secret"))
	return p.answerJSON(c, q, err)
}

func (p *Pages) setupPasskey(c *web.Ctx) error {
	v, err := p.setupView(c)
	if err != nil {
		return err
	}
	signed, recovery, err := p.Identity.UseLinkPasskey(c.Context(), p.client(c), c.Path("secret"),
		c.R.PostFormValue("state"), c.R.PostFormValue("response"), device(c.R.UserAgent()))
	if err != nil {
		if mainstay.ErrorCode(err) == mainstay.Internal {
			return err
		}
		v.Faults = map[string]string{"": mainstay.ErrorMessage(err)}
		return p.refuse(c, err, v.page(0), setupPage(v))
	}
	if err := p.begun(c, signed); err != nil {
		return err
	}
	return c.Render(web.Page{Title: "Recovery codes", Bare: true}, codesPage(codesView{Codes: recovery, Next: "/"}))
}
