package fact

import (
	"strconv"
	"time"
)

// ProjectCreated: a project came under care.
type ProjectCreated struct {
	Name  string `json:"name,omitempty"`
	Title string `json:"title,omitempty"`
}

// FactKind is "project.created".
func (ProjectCreated) FactKind() string { return "project.created" }

// Sentence says it after the actor's name.
func (p ProjectCreated) Sentence() string { return "created the project " + p.Title }

// ServiceCreated: a service was added to a project.
type ServiceCreated struct {
	Name  string `json:"name,omitempty"`
	Title string `json:"title,omitempty"`
}

// FactKind is "service.created".
func (ServiceCreated) FactKind() string { return "service.created" }

// Sentence says it after the actor's name.
func (p ServiceCreated) Sentence() string { return "added the service " + p.Title }

// ObjectChanged: an object's definition changed, by a page or a manifest; Fields names what changed, never the values.
type ObjectChanged struct {
	Kind     string   `json:"kind,omitempty"`
	Name     string   `json:"name,omitempty"`
	Fields   []string `json:"fields,omitempty"`
	Revision int64    `json:"revision,omitempty"`
}

// FactKind is "object.changed".
func (ObjectChanged) FactKind() string { return "object.changed" }

// Sentence says it after the actor's name.
func (p ObjectChanged) Sentence() string {
	return "changed " + nounOf(p.Kind) + " " + p.Name + list(p.Fields)
}

// ObjectDeleted: an object's definition was removed.
type ObjectDeleted struct {
	Kind string `json:"kind,omitempty"`
	Name string `json:"name,omitempty"`
}

// FactKind is "object.deleted".
func (ObjectDeleted) FactKind() string { return "object.deleted" }

// Sentence says it after the actor's name.
func (p ObjectDeleted) Sentence() string { return "removed " + nounOf(p.Kind) + " " + p.Name }

// PersonCreated: a person was added.
type PersonCreated struct{}

// FactKind is "person.created".
func (PersonCreated) FactKind() string { return "person.created" }

// Sentence says it after the actor's name.
func (PersonCreated) Sentence() string { return "added a person" }

// PersonDeactivated: a person can no longer sign in or be paged.
type PersonDeactivated struct{}

// FactKind is "person.deactivated".
func (PersonDeactivated) FactKind() string { return "person.deactivated" }

// Sentence says it after the actor's name.
func (PersonDeactivated) Sentence() string { return "deactivated a person" }

// AccessGranted: a role was given.
type AccessGranted struct {
	Grantee string `json:"grantee,omitempty"`
	Role    string `json:"role,omitempty"`
	Project string `json:"project,omitempty"`
}

// FactKind is "access.granted".
func (AccessGranted) FactKind() string { return "access.granted" }

// Sentence says it after the actor's name.
func (p AccessGranted) Sentence() string { return "gave the role " + p.Role }

// AccessRevoked: a role was taken away.
type AccessRevoked struct {
	Grantee string `json:"grantee,omitempty"`
	Role    string `json:"role,omitempty"`
	Project string `json:"project,omitempty"`
}

// FactKind is "access.revoked".
func (AccessRevoked) FactKind() string { return "access.revoked" }

// Sentence says it after the actor's name.
func (p AccessRevoked) Sentence() string { return "took the role " + p.Role + " away" }

// SignedIn: somebody signed in.
type SignedIn struct {
	Session string `json:"session,omitempty"`
}

// FactKind is "identity.signed_in".
func (SignedIn) FactKind() string { return "identity.signed_in" }

// Sentence says it after the actor's name.
func (SignedIn) Sentence() string { return "signed in" }

// SignInFailed: a sign-in failed; the address is kept as a digest.
type SignInFailed struct {
	AddressDigest string `json:"addressDigest,omitempty"`
	Reason        string `json:"reason,omitempty"`
}

// FactKind is "identity.sign_in_failed".
func (SignInFailed) FactKind() string { return "identity.sign_in_failed" }

// Sentence says it after the actor's name.
func (p SignInFailed) Sentence() string { return "failed to sign in: " + p.Reason }

// SignedOut: sessions ended.
type SignedOut struct {
	Everywhere bool `json:"everywhere,omitempty"`
	Sessions   int  `json:"sessions,omitempty"`
}

// FactKind is "identity.signed_out".
func (SignedOut) FactKind() string { return "identity.signed_out" }

// Sentence says it after the actor's name.
func (p SignedOut) Sentence() string { return "signed out" + when(p.Everywhere, " everywhere") }

// LockedOut: too many failed sign-ins.
type LockedOut struct {
	Until time.Time `json:"until,omitzero"`
}

// FactKind is "identity.locked_out".
func (LockedOut) FactKind() string { return "identity.locked_out" }

// Sentence says it after the actor's name.
func (LockedOut) Sentence() string { return "was locked out after too many failed sign-ins" }

// PasswordChanged: a password was set.
type PasswordChanged struct{}

// FactKind is "identity.password_changed".
func (PasswordChanged) FactKind() string { return "identity.password_changed" }

// Sentence says it after the actor's name.
func (PasswordChanged) Sentence() string { return "set a new password" }

// TokenCreated: an API token was made.
type TokenCreated struct {
	Name string `json:"name,omitempty"`
	Role string `json:"role,omitempty"`
}

// FactKind is "token.created".
func (TokenCreated) FactKind() string { return "token.created" }

// Sentence says it after the actor's name.
func (p TokenCreated) Sentence() string { return "made the API token " + p.Name }

// TokenRevoked: an API token was revoked.
type TokenRevoked struct {
	Name string `json:"name,omitempty"`
}

// FactKind is "token.revoked".
func (TokenRevoked) FactKind() string { return "token.revoked" }

// Sentence says it after the actor's name.
func (p TokenRevoked) Sentence() string { return "revoked the API token " + p.Name }

// KeyCreated: an intake key was made.
type KeyCreated struct {
	Format  string `json:"format,omitempty"`
	Service string `json:"service,omitempty"`
}

// FactKind is "key.created".
func (KeyCreated) FactKind() string { return "key.created" }

// Sentence says it after the actor's name.
func (p KeyCreated) Sentence() string { return "made an intake key for " + p.Format }

// KeyRevoked: an intake key was revoked.
type KeyRevoked struct {
	Format string `json:"format,omitempty"`
}

// FactKind is "key.revoked".
func (KeyRevoked) FactKind() string { return "key.revoked" }

// Sentence says it after the actor's name.
func (p KeyRevoked) Sentence() string { return "revoked an intake key for " + p.Format }

// SettingChanged: a setting changed; secrets are named, never shown.
type SettingChanged struct {
	Name string `json:"name,omitempty"`
}

// FactKind is "setting.changed".
func (SettingChanged) FactKind() string { return "setting.changed" }

// Sentence says it after the actor's name.
func (p SettingChanged) Sentence() string { return "changed the setting " + p.Name }

// ActionCreated: somebody owes something.
type ActionCreated struct {
	Number     int64     `json:"number,omitempty"`
	Title      string    `json:"title,omitempty"`
	Owner      string    `json:"owner,omitempty"`
	Due        time.Time `json:"due,omitzero"`
	ActionKind string    `json:"actionKind,omitempty"`
}

// FactKind is "action.created".
func (ActionCreated) FactKind() string { return "action.created" }

// Sentence says it after the actor's name.
func (p ActionCreated) Sentence() string { return "asked for: " + p.Title }

// ActionChanged: an action moved.
type ActionChanged struct {
	Number int64     `json:"number,omitempty"`
	From   string    `json:"from,omitempty"`
	To     string    `json:"to,omitempty"`
	Owner  string    `json:"owner,omitempty"`
	Due    time.Time `json:"due,omitzero"`
}

// FactKind is "action.changed".
func (ActionChanged) FactKind() string { return "action.changed" }

// Sentence says it after the actor's name.
func (p ActionChanged) Sentence() string {
	if p.From == p.To {
		return "changed the action's owner, due date or proof"
	}
	return "moved the action from " + words(p.From) + " to " + words(p.To)
}

// ActionOverdue: an action passed its due date undone.
type ActionOverdue struct {
	Number int64     `json:"number,omitempty"`
	Title  string    `json:"title,omitempty"`
	Owner  string    `json:"owner,omitempty"`
	Due    time.Time `json:"due,omitzero"`
}

// FactKind is "action.overdue".
func (ActionOverdue) FactKind() string { return "action.overdue" }

// Sentence says it after the actor's name.
func (p ActionOverdue) Sentence() string { return "saw an action fall overdue: " + p.Title }

// DocumentRevised: a text has a new revision; Digest is the SHA-256 of its Markdown.
type DocumentRevised struct {
	Document string `json:"document,omitempty"`
	Revision int64  `json:"revision,omitempty"`
	Digest   string `json:"digest,omitempty"`
}

// FactKind is "document.revised".
func (DocumentRevised) FactKind() string { return "document.revised" }

// Sentence says it after the actor's name.
func (p DocumentRevised) Sentence() string {
	if p.Revision == 1 {
		return "wrote its first text"
	}
	return "wrote revision " + strconv.FormatInt(p.Revision, 10) + " of its text"
}

// ExhibitAdded: a file or snapshot was frozen.
type ExhibitAdded struct {
	Name      string `json:"name,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	Size      int64  `json:"size,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
}

// FactKind is "exhibit.added".
func (ExhibitAdded) FactKind() string { return "exhibit.added" }

// Sentence says it after the actor's name.
func (p ExhibitAdded) Sentence() string { return "kept the exhibit " + p.Name }

// PayloadErased: a fact's content was erased; the chain stays valid.
type PayloadErased struct {
	ErasedProject  string `json:"erasedProject,omitempty"`
	ErasedSequence int64  `json:"erasedSequence,omitempty"`
	Reason         string `json:"reason,omitempty"`
}

// FactKind is "journal.erased".
func (PayloadErased) FactKind() string { return "journal.erased" }

// Sentence says it after the actor's name.
func (p PayloadErased) Sentence() string { return "erased the content of a fact: " + p.Reason }

// NotificationSent: a message was taken by its receiver.
type NotificationSent struct {
	Notification string `json:"notification,omitempty"`
	Person       string `json:"person,omitempty"`
	Channel      string `json:"channel,omitempty"`
	Template     string `json:"template,omitempty"`
	Attempts     int    `json:"attempts,omitempty"`
}

// FactKind is "notification.sent".
func (NotificationSent) FactKind() string { return "notification.sent" }

// Sentence says it after the actor's name.
func (p NotificationSent) Sentence() string { return "sent a notification by " + p.Channel }

// NotificationFailed: a message could not be delivered for good; FailedOver says that the person's next channel took over.
type NotificationFailed struct {
	Notification string `json:"notification,omitempty"`
	Person       string `json:"person,omitempty"`
	Channel      string `json:"channel,omitempty"`
	Template     string `json:"template,omitempty"`
	Attempts     int    `json:"attempts,omitempty"`
	Reason       string `json:"reason,omitempty"`
	FailedOver   bool   `json:"failedOver,omitempty"`
}

// FactKind is "notification.failed".
func (NotificationFailed) FactKind() string { return "notification.failed" }

// Sentence says it after the actor's name.
func (p NotificationFailed) Sentence() string {
	return "could not deliver by " + p.Channel + ": " + p.Reason
}

// NotificationSuppressed: a message was deliberately not sent.
type NotificationSuppressed struct {
	Person   string `json:"person,omitempty"`
	Channel  string `json:"channel,omitempty"`
	Template string `json:"template,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// FactKind is "notification.suppressed".
func (NotificationSuppressed) FactKind() string { return "notification.suppressed" }

// Sentence says it after the actor's name.
func (p NotificationSuppressed) Sentence() string { return "sent nothing: " + p.Reason }

var coreKinds = []Teller{
	ProjectCreated{},
	ServiceCreated{},
	ObjectChanged{},
	ObjectDeleted{},
	PersonCreated{},
	PersonDeactivated{},
	AccessGranted{},
	AccessRevoked{},
	SignedIn{},
	SignInFailed{},
	SignedOut{},
	LockedOut{},
	PasswordChanged{},
	TokenCreated{},
	TokenRevoked{},
	KeyCreated{},
	KeyRevoked{},
	SettingChanged{},
	ActionCreated{},
	ActionChanged{},
	ActionOverdue{},
	DocumentRevised{},
	ExhibitAdded{},
	PayloadErased{},
	NotificationSent{},
	NotificationFailed{},
	NotificationSuppressed{},
}
