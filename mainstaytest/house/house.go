// Package house puts the house around pages under test: people, roles, identity, projects and the web shell on a real database,
// and a browser without script to walk through them. It never stands in for our own code.
package house

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/identity/identitydb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
)

// Password is everybody's.
const Password = "a bridge over nothing"

// House is an Env with people, roles, identity and projects.
type House struct {
	*mainstaytest.Env
	Vault    *setting.Vault
	People   *people.Service
	Access   *access.Service
	Identity *identity.Service
	Projects *project.Registry
	Settings *setting.Service
	MailOff  string // why no mail can be sent; "" when it can
	Router   *web.Router
	URL      string // of the running server, without a slash at the end
}

// Pages are what a pages package offers.
type Pages interface{ Routes(rt *web.Router) }

// Migrations are the tables that a House needs besides those of the Env.
func Migrations() []storage.Migrations {
	return []storage.Migrations{projectdb.Migrations(), peopledb.Migrations(), accessdb.Migrations(), identitydb.Migrations(), settingdb.Migrations()}
}

// Databases runs f as a subtest on SQLite and on PostgreSQL, with the house's schema and the given migrations.
func Databases(t *testing.T, f func(t *testing.T, h *House), migrations ...storage.Migrations) {
	t.Helper()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) { f(t, New(t, e)) }, append(Migrations(), migrations...)...)
}

// New makes the services.
func New(t testing.TB, e *mainstaytest.Env) *House {
	t.Helper()
	h := &House{Env: e, Vault: setting.NewVault(make([]byte, 32))}
	store := peopledb.New(e.DB, e.Saver)
	var err error
	check := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.Settings = setting.New(settingdb.New(e.DB, e.Saver), e.Clock)
	h.Projects, err = project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
	check()
	h.Access, err = access.New(access.Config{Store: accessdb.New(e.DB, e.Saver), Teams: store, Time: e.Clock})
	check()
	h.People, err = people.New(people.Config{Store: store, Roles: h.Access, Projects: h.Projects, Sealer: h.Vault, Time: e.Clock})
	check()
	h.Identity, err = identity.New(identity.Config{
		Store: identitydb.New(e.DB, e.Saver), People: h.People, Access: h.Access, Vault: h.Vault, Projects: h.Projects, Settings: h.Settings,
		Time: e.Clock, Log: e.Log, Known: e.Objects.Known, HTTP: http.DefaultClient, MailOff: func() string { return h.MailOff },
	})
	check()
	return h
}

// Project makes a project and returns its id.
func (h *House) Project(t testing.TB, name string) string {
	t.Helper()
	if _, err := h.Projects.Define(t.Context(), mainstay.System("test"), name, project.Spec{}); err != nil {
		t.Fatal(err)
	}
	id, err := h.Projects.ProjectID(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Person makes a person with the address NAME@example.com, everybody's password and the roles.
func (h *House) Person(t testing.TB, name string, grants ...access.Grant) people.Person {
	t.Helper()
	actor := mainstay.System("test")
	p, err := h.People.Create(t.Context(), actor, people.Person{Name: name, FullName: name, Email: name + "@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		if err := h.Access.Give(t.Context(), actor, p.Ref(), g.Role, g.Project); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Identity.SetPassword(t.Context(), actor, p.ID, Password); err != nil {
		t.Fatal(err)
	}
	return p
}

// Serve starts a server with the pages; it ends with the test.
func (h *House) Serve(t testing.TB, pages ...Pages) {
	t.Helper()
	rt, err := web.NewRouter(web.Config{Time: h.Clock, Log: h.Log, Identity: h.Identity, Objects: h.Objects, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		p.Routes(rt)
		if with, ok := p.(interface{ Panels() []web.Panel }); ok {
			rt.AddPanels(with.Panels()...)
		}
	}
	h.Router = rt
	server := httptest.NewServer(rt.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(rt.Live().Close)
	h.URL = server.URL
}

// As is a browser in which the person has signed in, not by the form but by the same service.
func (h *House) As(t testing.TB, name string) *Browser {
	t.Helper()
	signed, err := h.Identity.SignIn(t.Context(), identity.SignInput{
		Email: name + "@example.com", Password: Password, Address: "192.0.2.1", Agent: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	b := h.Browser(t)
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	cookie := h.Identity.Cookie(signed.Secret)
	cookie.MaxAge = 0
	b.client.Jar.SetCookies(u, append(b.client.Jar.Cookies(u), cookie))
	return b
}
