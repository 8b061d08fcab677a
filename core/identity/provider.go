package identity

import (
	"context"
	"encoding/json"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// ProviderSpec is the spec of a manifest of kind IdentityProvider: who signs people in elsewhere, by OpenID Connect.
type ProviderSpec struct {
	Title    string `yaml:"title,omitempty" json:"title,omitempty" doc:"On the button; default: the name"`
	Issuer   string `yaml:"issuer" json:"issuer" doc:"Such as https://id.example.org/realms/main"`
	ClientID string `yaml:"clientId" json:"clientId" doc:"As the provider knows this server"`
	// ClientSecret is written only: it is kept sealed and never shown again. When it is missing, the one that is kept stays.
	ClientSecret string      `yaml:"clientSecret,omitempty" json:"clientSecret,omitempty" secret:"kept" doc:"Written only: it is kept sealed, and no export shows it. When it is missing, the one that is kept stays"`
	Scopes       []string    `yaml:"scopes,omitempty" json:"scopes,omitempty" doc:"Besides openid; default email and profile"`
	GroupsClaim  string      `yaml:"groupsClaim,omitempty" json:"groupsClaim,omitempty" doc:"Default groups; realm_access.roles goes into an object"`
	Groups       []GroupSpec `yaml:"groups,omitempty" json:"groups,omitempty" doc:"Which groups give which roles, or make members of which teams"`
	// CreatePersons makes a person for whoever has none yet; without it only those who are here already sign in.
	CreatePersons bool     `yaml:"createPersons,omitempty" json:"createPersons,omitempty" doc:"Make a person for whoever has none yet; without it only those who are here already sign in"`
	Domains       []string `yaml:"domains,omitempty" json:"domains,omitempty" doc:"Of addresses that may sign in; default: all"`
	// AskSecondFactor asks for a second factor here, too. Without it the provider is trusted with that.
	AskSecondFactor bool `yaml:"askSecondFactor,omitempty" json:"askSecondFactor,omitempty" doc:"Ask for a second factor here, too"`
	Disabled        bool `yaml:"disabled,omitempty" json:"disabled,omitempty" doc:"True: nobody can sign in with it"`
}

// GroupSpec gives those who are in a group of the provider a role, in one project or in all, or makes them members of a team.
type GroupSpec struct {
	Group   string `yaml:"group" json:"group" doc:"As the provider names it"`
	Role    string `yaml:"role,omitempty" json:"role,omitempty" enum:"administrator,manager,responder,member,stakeholder,customer" doc:"The role that it gives"`
	Project string `yaml:"project,omitempty" json:"project,omitempty" names:"Project" doc:"Name of a project; all projects when absent"`
	Team    string `yaml:"team,omitempty" json:"team,omitempty" names:"Team" doc:"Name of a team that it makes a member of, in place of a role"`
}

// Provider is a provider of identities as it is kept. Its spec holds no secret.
type Provider struct {
	Name      string
	Spec      ProviderSpec
	Sealed    string // the client's secret, "" when it has none
	CreatedAt time.Time
	ChangedAt time.Time
	Version   int64
}

// Title is what people call it.
func (p Provider) Title() string {
	if p.Spec.Title != "" {
		return p.Spec.Title
	}
	return p.Name
}

// Ref points at the provider, by its name.
func (p Provider) Ref() mainstay.Ref { return mainstay.Ref{Kind: mainstay.KindProvider, ID: p.Name} }

// Providers keeps providers, whose accounts sign whom in, and what they gave.
type Providers interface {
	// Providers lists them by name; with a name, that one alone.
	Providers(ctx context.Context, name string) ([]Provider, error)
	SaveProvider(ctx context.Context, p Provider) error
	EndProvider(ctx context.Context, name string) error
	// AccountBy is the account of a provider with the subject; NotFound when there is none.
	AccountBy(ctx context.Context, provider, subject string) (Account, error)
	AccountsOf(ctx context.Context, person string) ([]Account, error)
	SaveAccount(ctx context.Context, a Account) error
	EndAccount(ctx context.Context, provider, person string) (bool, error)
	// Given are what providers gave to the person, or, with person "", what the provider gave to anybody.
	Given(ctx context.Context, provider, person string) ([]Given, error)
	SetGiven(ctx context.Context, provider, person string, list []Given) error
}

// Account is an account at a provider that signs a person in.
type Account struct {
	Provider string
	Subject  string // the provider's name for it, which never changes
	Person   string
	LinkedAt time.Time
	UsedAt   time.Time
}

// Given is a role, or a place in a team, that a person has because of a group.
type Given struct {
	Provider string
	Person   string
	Role     access.Role
	Project  string // id; "" = all
	Team     string // id; then there is no role
}

var providerName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate says what is wrong; the faults bear the manifest's field names.
func (x ProviderSpec) Validate(name string) error {
	var f mainstay.Faults
	if !providerName.MatchString(name) {
		f.Add("name", "Use 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last.")
	}
	if utf8.RuneCountInString(x.Title) > 60 || !utf8.ValidString(x.Title) {
		f.Add("title", "At most 60 characters.")
	}
	x.issuerFault(&f)
	if x.ClientID == "" || len(x.ClientID) > 500 {
		f.Add("clientId", "Give the client's id as the provider knows it.")
	}
	if len(x.ClientSecret) > 2000 {
		f.Add("clientSecret", "At most 2,000 characters.")
	}
	for _, s := range x.Scopes {
		if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' }) {
			f.Add("scopes", "%q is not a scope.", s)
		}
	}
	for _, d := range x.Domains {
		if d == "" || strings.ContainsAny(d, "@ /") || !strings.Contains(d, ".") {
			f.Add("domains", "%q is not a domain such as example.org.", d)
		}
	}
	if len(x.Groups) > 500 {
		f.Add("groups", "At most 500 groups.")
	}
	for _, g := range x.Groups {
		g.faults(&f)
	}
	return f.Err()
}

func (x ProviderSpec) issuerFault(f *mainstay.Faults) {
	u, err := url.Parse(x.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(x.Issuer) > 500:
		f.Add("issuer", "Give the issuer's URL, such as https://id.example.org/realms/main, without a query.")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		f.Add("issuer", "The issuer's URL must begin with https://: the client's secret goes there.")
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (g GroupSpec) faults(f *mainstay.Faults) {
	switch {
	case strings.TrimSpace(g.Group) == "":
		f.Add("groups", "A group has no name.")
	case g.Team != "" && (g.Role != "" || g.Project != ""):
		f.Add("groups", "%s: give a role or a team, not both.", g.Group)
	case g.Team == "" && !access.Role(g.Role).Valid():
		f.Add("groups", "%s: %q is not a role: use administrator, manager, responder, member, stakeholder or customer.", g.Group, g.Role)
	}
}

// known checks that the projects and teams exist.
func (s *Service) known(ctx context.Context, x ProviderSpec) error {
	var f mainstay.Faults
	for _, g := range x.Groups {
		if _, err := s.give(ctx, g); mainstay.Is(err, mainstay.NotFound) {
			f.Add("groups", "%s: %s", g.Group, mainstay.ErrorMessage(err))
		} else if err != nil {
			return err
		}
	}
	return f.Err()
}

// give is what a group gives, with the ids of what it names; NotFound when that is gone.
func (s *Service) give(ctx context.Context, g GroupSpec) (Given, error) {
	out := Given{Role: access.Role(g.Role)}
	switch {
	case g.Team != "":
		t, err := s.cfg.People.Team(ctx, g.Team)
		return Given{Team: t.ID}, err
	case g.Project == "":
		return out, nil
	case s.cfg.Projects == nil:
		return out, mainstay.Errorf(mainstay.NotFound, "There is no project %q.", g.Project)
	}
	var err error
	out.Project, err = s.cfg.Projects.ProjectID(ctx, g.Project)
	return out, err
}

// Provider is the one with the name; NotFound when there is none.
func (s *Service) Provider(ctx context.Context, name string) (Provider, error) {
	list, err := s.cfg.Store.Providers(ctx, name)
	if err != nil {
		return Provider{}, err
	}
	if len(list) == 0 || name == "" {
		return Provider{}, mainstay.Errorf(mainstay.NotFound, "There is no identity provider %q.", clip(name, 63))
	}
	return list[0], nil
}

// Providers lists all, by name.
func (s *Service) Providers(ctx context.Context) ([]Provider, error) {
	return s.cfg.Store.Providers(ctx, "")
}

// DefineProvider makes the provider with the name be as the spec says, and reports whether that changed anything. A spec without a
// secret keeps the one that is there.
func (s *Service) DefineProvider(ctx context.Context, actor mainstay.Actor, _, name string, spec ProviderSpec) (changed bool, err error) {
	if err := spec.Validate(name); err != nil {
		return false, err
	}
	if err := s.known(ctx, spec); err != nil {
		return false, err
	}
	now, secret := s.cfg.Time.Now(), spec.ClientSecret
	spec.ClientSecret = ""
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		old, err := s.Provider(ctx, name)
		fresh := mainstay.Is(err, mainstay.NotFound)
		if err != nil && !fresh {
			return err
		}
		p := Provider{Name: name, Spec: spec, Sealed: old.Sealed, CreatedAt: old.CreatedAt, ChangedAt: now, Version: old.Version + 1}
		fields := spec.changes(old.Spec)
		if kept, err := s.secretOf(old); secret != "" && (err != nil || kept != secret) {
			fields = append(fields, "clientSecret")
			if p.Sealed, err = s.cfg.Vault.Seal(secret); err != nil {
				return err
			}
		}
		if fresh {
			p.CreatedAt = now
		} else if len(fields) == 0 {
			return nil
		}
		changed = true
		if err := s.cfg.Store.SaveProvider(ctx, p); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, "", actor,
			fact.ObjectChanged{Kind: string(mainstay.KindProvider), Name: name, Fields: fields, Revision: p.Version}, p.Ref())}})
	})
	return changed && err == nil, err
}

func (s *Service) secretOf(p Provider) (string, error) {
	if p.Sealed == "" {
		return "", nil
	}
	return s.cfg.Vault.Open(p.Sealed)
}

// changes names the fields, as manifests do, in which two specs differ.
func (x ProviderSpec) changes(old ProviderSpec) []string {
	fields := func(x ProviderSpec) map[string]json.RawMessage {
		m := map[string]json.RawMessage{}
		if b, err := json.Marshal(x); err == nil {
			_ = json.Unmarshal(b, &m) // it was written a line above
		}
		return m
	}
	a, b := fields(x), fields(old)
	var list []string
	for name := range a {
		if string(a[name]) != string(b[name]) {
			list = append(list, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// RemoveProvider removes the provider and everything that it gave. The last administrator keeps the role.
func (s *Service) RemoveProvider(ctx context.Context, actor mainstay.Actor, _, name string) error {
	p, err := s.Provider(ctx, name)
	if err != nil {
		return err
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		given, err := s.cfg.Store.Given(ctx, name, "")
		if err != nil {
			return err
		}
		persons := map[string]bool{}
		for _, g := range given {
			persons[g.Person] = true
		}
		for person := range persons {
			if err := s.grant(ctx, p, person, nil); err != nil {
				return err
			}
		}
		if err := s.cfg.Store.EndProvider(ctx, name); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", actor,
			fact.ObjectDeleted{Kind: string(mainstay.KindProvider), Name: name}, p.Ref())}})
	})
}

// ProviderSpecs are all providers as manifests, by name, without their secrets.
func (s *Service) ProviderSpecs(ctx context.Context, _ string) (map[string]ProviderSpec, error) {
	list, err := s.Providers(ctx)
	m := map[string]ProviderSpec{}
	for _, p := range list {
		m[p.Name] = p.Spec
	}
	return m, err
}

// AccountsOf lists the accounts at providers that sign a person in.
func (s *Service) AccountsOf(ctx context.Context, person string) ([]Account, error) {
	return s.cfg.Store.AccountsOf(ctx, person)
}

// Unlink ends that a provider's account signs a person in, after a proof.
func (s *Service) Unlink(ctx context.Context, proof Proof, provider string) error {
	if err := s.prove(ctx, proof); err != nil {
		return err
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		had, err := s.cfg.Store.EndAccount(ctx, provider, proof.Person)
		if err != nil || !had {
			return err
		}
		has, err := s.Factors(ctx, proof.Person)
		if err != nil {
			return err
		}
		if !has.Password && has.Passkeys == 0 && has.Accounts == 0 {
			return mainstay.Errorf(mainstay.Conflict, "You could not sign in any more: there is neither a password nor a passkey. Set a password first.")
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", mainstay.Person(proof.Person),
			fact.AccountUnlinked{Provider: provider}, mainstay.Ref{Kind: mainstay.KindPerson, ID: proof.Person})}})
	})
}

// GivenTo lists what providers gave to the person.
func (s *Service) GivenTo(ctx context.Context, person string) ([]Given, error) {
	return s.cfg.Store.Given(ctx, "", person)
}

// grant makes what the person has of the provider be exactly this, within a transaction. What was given by hand stays, and so does
// what would leave nobody administrator.
func (s *Service) grant(ctx context.Context, p Provider, person string, want []Given) error {
	all, err := s.cfg.Store.Given(ctx, "", person)
	if err != nil {
		return err
	}
	var had, others []Given // of this provider, of others
	for _, g := range all {
		mine := g.Provider == p.Name
		g.Provider, g.Person = "", ""
		if mine {
			had = append(had, g)
		} else {
			others = append(others, g)
		}
	}
	var lost []Given
	for _, g := range had {
		if !slices.Contains(want, g) && !slices.Contains(others, g) {
			lost = append(lost, g)
		}
	}
	keep := []Given{}
	if err := s.cfg.Access.KeepsAdministrator(ctx, person); mainstay.Is(err, mainstay.Conflict) {
		lost = slices.DeleteFunc(lost, func(g Given) bool {
			kept := g.Team != "" || g.Role == access.Administrator && g.Project == ""
			if kept {
				keep = append(keep, g)
				s.cfg.Log.WarnContext(ctx, "the last administrator keeps a role whose group is gone", "provider", p.Name, "person", person)
			}
			return kept
		})
	} else if err != nil {
		return err
	}
	marked, err := s.giveRoles(ctx, person, had, want, lost)
	if err != nil {
		return err
	}
	teams, err := s.giveTeams(ctx, person, had, want, lost)
	if err != nil {
		return err
	}
	return s.cfg.Store.SetGiven(ctx, p.Name, person, slices.Concat(marked, teams, keep))
}

// giveRoles adds and takes roles, and returns those that are the provider's: what was there by hand before is not.
func (s *Service) giveRoles(ctx context.Context, person string, had, want, lost []Given) (marked []Given, err error) {
	to := mainstay.Ref{Kind: mainstay.KindPerson, ID: person}
	roles, err := s.cfg.Access.RolesOf(ctx, to)
	if err != nil {
		return nil, err
	}
	before := slices.Clone(roles)
	for _, g := range want {
		if g.Team != "" {
			continue
		}
		if there := slices.Contains(roles, g.role()); !there || slices.Contains(had, g) {
			marked = append(marked, g)
			if !there {
				roles = append(roles, g.role())
			}
		}
	}
	for _, g := range lost {
		if g.Team == "" {
			roles = slices.DeleteFunc(roles, func(r roleOfPerson) bool { return r == g.role() })
		}
	}
	if !slices.Equal(before, roles) {
		_, err = s.cfg.Access.SetRoles(ctx, self, to, roles)
	}
	return marked, err
}
