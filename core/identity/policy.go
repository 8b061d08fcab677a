package identity

import (
	"context"
	"slices"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/setting"
)

// PasswordUse says who may sign in with a password.
type PasswordUse string

// The uses. Administrators of all projects always may, so that a provider that is down locks nobody out for good.
const (
	PasswordsEverybody      PasswordUse = "everybody"
	PasswordsAdministrators PasswordUse = "administrators"
)

// Policy is how people sign in to this installation.
type Policy struct {
	Passwords PasswordUse `json:"passwords"`
	// SecondFactor are the roles whose holders, in any project, need a second factor after a password.
	SecondFactor []access.Role `json:"secondFactor"`
}

var policySetting = setting.Setting[Policy]{
	Name: "sign-in", Default: Policy{Passwords: PasswordsEverybody}, Check: func(p Policy) error { return p.Validate() },
}

// Validate says what is wrong with a policy; the faults bear the manifest's field names.
func (p Policy) Validate() error {
	var f mainstay.Faults
	if p.Passwords != PasswordsEverybody && p.Passwords != PasswordsAdministrators {
		f.Add("passwords", "%q is not a choice: use everybody or administrators.", p.Passwords)
	}
	for _, r := range p.SecondFactor {
		if !r.Valid() {
			f.Add("secondFactor", "%q is not a role: use administrator, manager, responder, member, stakeholder or customer.", r)
		}
	}
	return f.Err()
}

// asks reports whether one of the roles needs a second factor.
func (p Policy) asks(roles []access.Role) bool {
	return slices.ContainsFunc(roles, func(r access.Role) bool { return slices.Contains(p.SecondFactor, r) })
}

// Policy is how people sign in here.
func (s *Service) Policy(ctx context.Context) (Policy, error) {
	if s.cfg.Settings == nil {
		return policySetting.Default, nil
	}
	return setting.Read(ctx, s.cfg.Settings, mainstay.Installation, policySetting)
}

// SetPolicy changes how people sign in, from their next sign-in on, and reports whether that changed anything.
func (s *Service) SetPolicy(ctx context.Context, actor mainstay.Actor, p Policy) (changed bool, err error) {
	if s.cfg.Settings == nil {
		return false, mainstay.Errorf(mainstay.Unavailable, "This installation keeps no settings.")
	}
	slices.Sort(p.SecondFactor)
	p.SecondFactor = slices.Compact(p.SecondFactor)
	if err := p.Validate(); err != nil {
		return false, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		has, err := s.Policy(ctx)
		if err != nil || has.Passwords == p.Passwords && slices.Equal(has.SecondFactor, p.SecondFactor) {
			return err
		}
		changed = true
		return setting.Write(ctx, s.cfg.Settings, actor, mainstay.Installation, policySetting, p)
	})
	return changed && err == nil, err
}

// rolesOf are a person's roles in any project, and whether they are administrator of all.
func (s *Service) rolesOf(ctx context.Context, person string) (roles []access.Role, everywhere bool, err error) {
	grants, err := s.cfg.Access.GrantsOf(ctx, person)
	for _, g := range grants {
		roles = append(roles, g.Role)
		everywhere = everywhere || g.Role == access.Administrator && g.Project == ""
	}
	return roles, everywhere, err
}

// MustHaveSecond reports whether one of the person's roles needs a second factor.
func (s *Service) MustHaveSecond(ctx context.Context, person string) (bool, error) {
	policy, err := s.Policy(ctx)
	if err != nil {
		return false, err
	}
	roles, _, err := s.rolesOf(ctx, person)
	return policy.asks(roles), err
}

// PolicySpec is the spec of a manifest of kind SignIn, of which there is one, named "default".
type PolicySpec struct {
	Passwords    string   `yaml:"passwords,omitempty" json:"passwords,omitempty" enum:"everybody,administrators" doc:"Who may sign in with one; default everybody"`
	SecondFactor []string `yaml:"secondFactor,omitempty" json:"secondFactor,omitempty" enum:"administrator,manager,responder,member,stakeholder,customer" doc:"Roles that need one"`
}

// policyName is the name of the one manifest.
const policyName = "default"

// DefinePolicy makes the policy be as the spec says.
func (s *Service) DefinePolicy(ctx context.Context, actor mainstay.Actor, _, name string, spec PolicySpec) (bool, error) {
	if name != policyName {
		return false, mainstay.Faults{"name": "There is one manifest of this kind, and its name is default."}.Err()
	}
	p := Policy{Passwords: PasswordUse(spec.Passwords)}
	if spec.Passwords == "" {
		p.Passwords = PasswordsEverybody
	}
	for _, r := range spec.SecondFactor {
		p.SecondFactor = append(p.SecondFactor, access.Role(r))
	}
	return s.SetPolicy(ctx, actor, p)
}

// PolicySpecs is the policy as a manifest; none while everything is as it was at first.
func (s *Service) PolicySpecs(ctx context.Context, _ string) (map[string]PolicySpec, error) {
	p, err := s.Policy(ctx)
	if err != nil || p.Passwords == PasswordsEverybody && len(p.SecondFactor) == 0 {
		return map[string]PolicySpec{}, err
	}
	spec := PolicySpec{Passwords: string(p.Passwords)}
	for _, r := range p.SecondFactor {
		spec.SecondFactor = append(spec.SecondFactor, string(r))
	}
	return map[string]PolicySpec{policyName: spec}, nil
}
