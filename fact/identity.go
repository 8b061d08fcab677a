package fact

import "time"

// Invited: somebody was invited to set a password or a passkey. By is "mail", or "hand" for a link to pass on.
type Invited struct {
	By    string    `json:"by,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// FactKind is "identity.invited".
func (Invited) FactKind() string { return "identity.invited" }

// Sentence says it after the actor's name.
func (p Invited) Sentence() string {
	if p.By == "mail" {
		return "invited a person by mail"
	}
	return "made a link by which a person sets a password"
}

// InvitationRevoked: the links by which a person could have set a password ended unused.
type InvitationRevoked struct{}

// FactKind is "identity.invitation_revoked".
func (InvitationRevoked) FactKind() string { return "identity.invitation_revoked" }

// Sentence says it after the actor's name.
func (InvitationRevoked) Sentence() string { return "took an invitation back" }

// ResetAsked: somebody, not signed in, asked for a new password of a person's account.
type ResetAsked struct {
	AddressDigest string `json:"addressDigest,omitempty"`
}

// FactKind is "identity.reset_asked".
func (ResetAsked) FactKind() string { return "identity.reset_asked" }

// Sentence says it after the actor's name.
func (ResetAsked) Sentence() string { return "was asked for a new password by mail" }

// FactorAdded: a person has another way to prove who they are. Factor is "authenticator", "passkey" or "recovery codes".
type FactorAdded struct {
	Factor string `json:"factor,omitempty"`
	Name   string `json:"name,omitempty"`
}

// FactKind is "identity.factor_added".
func (FactorAdded) FactKind() string { return "identity.factor_added" }

// Sentence says it after the actor's name.
func (p FactorAdded) Sentence() string { return "set up " + factorWords(p.Factor, p.Name) }

// FactorRemoved: a person has one way less to prove who they are.
type FactorRemoved struct {
	Factor string `json:"factor,omitempty"`
	Name   string `json:"name,omitempty"`
}

// FactKind is "identity.factor_removed".
func (FactorRemoved) FactKind() string { return "identity.factor_removed" }

// Sentence says it after the actor's name.
func (p FactorRemoved) Sentence() string { return "removed " + factorWords(p.Factor, p.Name) }

func factorWords(factor, name string) string {
	switch factor {
	case "authenticator":
		return "an authenticator app"
	case "passkey":
		return "the passkey " + name
	case "recovery codes":
		return "new recovery codes"
	}
	return factor
}

// FactorRefused: a second factor was wrong.
type FactorRefused struct {
	Factor        string `json:"factor,omitempty"`
	AddressDigest string `json:"addressDigest,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

// FactKind is "identity.factor_refused".
func (FactorRefused) FactKind() string { return "identity.factor_refused" }

// Sentence says it after the actor's name.
func (p FactorRefused) Sentence() string { return "refused a second factor: " + p.Reason }

// FactorsReset: an administrator took every second factor of a person away, who lost them.
type FactorsReset struct {
	Passkeys int `json:"passkeys,omitempty"`
}

// FactKind is "identity.factors_reset".
func (FactorsReset) FactKind() string { return "identity.factors_reset" }

// Sentence says it after the actor's name.
func (FactorsReset) Sentence() string {
	return "removed the authenticator app, the passkeys and the recovery codes of a person"
}

// RecoveryCodeUsed: a recovery code stood in for a second factor.
type RecoveryCodeUsed struct {
	Left int `json:"left,omitempty"`
}

// FactKind is "identity.recovery_code_used".
func (RecoveryCodeUsed) FactKind() string { return "identity.recovery_code_used" }

// Sentence says it after the actor's name.
func (p RecoveryCodeUsed) Sentence() string {
	return "used a recovery code; " + itoa(p.Left) + " are left"
}

// PasskeyRenamed: a person gave a passkey another name.
type PasskeyRenamed struct {
	Name string `json:"name,omitempty"`
}

// FactKind is "identity.passkey_renamed".
func (PasskeyRenamed) FactKind() string { return "identity.passkey_renamed" }

// Sentence says it after the actor's name.
func (p PasskeyRenamed) Sentence() string { return "named a passkey " + p.Name }

// PasskeySuspect: a passkey's counter went back, as it does when there are two copies of it. It was refused.
type PasskeySuspect struct {
	Name string `json:"name,omitempty"`
}

// FactKind is "identity.passkey_suspect".
func (PasskeySuspect) FactKind() string { return "identity.passkey_suspect" }

// Sentence says it after the actor's name.
func (p PasskeySuspect) Sentence() string {
	return "refused the passkey " + p.Name + ", because its counter went back: there may be a copy of it"
}

// Unlocked: the failed sign-ins of an account were forgiven.
type Unlocked struct{}

// FactKind is "identity.unlocked".
func (Unlocked) FactKind() string { return "identity.unlocked" }

// Sentence says it after the actor's name.
func (Unlocked) Sentence() string { return "ended a lock after failed sign-ins" }

// AccountLinked: an account at an identity provider now signs a person in.
type AccountLinked struct {
	Provider string `json:"provider,omitempty"`
}

// FactKind is "identity.account_linked".
func (AccountLinked) FactKind() string { return "identity.account_linked" }

// Sentence says it after the actor's name.
func (p AccountLinked) Sentence() string {
	return "linked the account at " + p.Provider + " to the person with its verified address"
}

// AccountUnlinked: an account at an identity provider no longer signs a person in.
type AccountUnlinked struct {
	Provider string `json:"provider,omitempty"`
}

// FactKind is "identity.account_unlinked".
func (AccountUnlinked) FactKind() string { return "identity.account_unlinked" }

// Sentence says it after the actor's name.
func (p AccountUnlinked) Sentence() string { return "unlinked the account at " + p.Provider }

// ProviderRefused: an identity provider's answer did not sign anybody in.
type ProviderRefused struct {
	Provider string `json:"provider,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// FactKind is "identity.provider_refused".
func (ProviderRefused) FactKind() string { return "identity.provider_refused" }

// Sentence says it after the actor's name.
func (p ProviderRefused) Sentence() string {
	return "refused a sign-in with " + p.Provider + ": " + p.Reason
}

// TokenRotated: an API token has a new secret; the one before counts until then.
type TokenRotated struct {
	Name  string    `json:"name,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// FactKind is "token.rotated".
func (TokenRotated) FactKind() string { return "token.rotated" }

// Sentence says it after the actor's name.
func (p TokenRotated) Sentence() string { return "gave the API token " + p.Name + " a new secret" }

var identityKinds = []Teller{
	Invited{}, InvitationRevoked{}, ResetAsked{}, FactorAdded{}, FactorRemoved{}, FactorRefused{}, FactorsReset{}, RecoveryCodeUsed{},
	PasskeyRenamed{}, PasskeySuspect{}, Unlocked{}, AccountLinked{}, AccountUnlinked{}, ProviderRefused{}, TokenRotated{},
}
