package app

import (
	"net/http"

	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/identity/identitydb"
	"github.com/mainstayhq/mainstay/core/outbound"
)

// identityConfig is what identity stands on.
func (a *App) identityConfig() identity.Config {
	return identity.Config{
		Store: identitydb.New(a.DB, a.Saver), People: a.People, Access: a.Access, Vault: a.Vault, Projects: a.Projects, Settings: a.Settings,
		Time: a.cfg.Time, Log: a.cfg.Log,
		Secure:  a.cfg.ExternalURL != nil && a.cfg.ExternalURL.Scheme == "https" || a.cfg.TLSCert != "",
		Known:   a.Objects.Known,
		MailOff: func() string { return a.available("email") },
		HTTP:    a.providerClient(),
	}
}

// providerClient reaches identity providers through the guard: somebody typed their address into a page. Answers, above all lists of
// keys and of groups, are larger than those of webhooks.
func (a *App) providerClient() *http.Client {
	return outbound.New(outbound.Config{Allow: a.cfg.AllowTargets, MaxBody: 1 << 20}).Client()
}

// identityKinds are the manifests of how people sign in.
func (a *App) identityKinds() []kind {
	return []kind{
		kindOf("IdentityProvider", false, a.Identity.DefineProvider, a.Identity.ProviderSpecs).
			is("providers", "", "Who signs people in elsewhere, by OpenID Connect, and what its groups give.").removable(a.Identity.RemoveProvider),
		kindOf("SignIn", false, a.Identity.DefinePolicy, a.Identity.PolicySpecs).
			is("sign-in", "", "How people sign in to the installation. There is one, named default."),
	}
}
