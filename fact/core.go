package fact

import (
	"strconv"
	"strings"
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

// PersonDeactivated: a person can no longer sign in or be paged. Handed is what others took over, Left how many things nobody did.
type PersonDeactivated struct {
	Handed []Handed `json:"handed,omitempty"`
	Left   int      `json:"left,omitempty"`
}

// Handed is how much of one kind went to whom.
type Handed struct {
	Group string `json:"group,omitempty"` // such as "schedules"
	To    string `json:"to,omitempty"`    // person id
	Count int    `json:"count,omitempty"`
}

// FactKind is "person.deactivated".
func (PersonDeactivated) FactKind() string { return "person.deactivated" }

// Sentence says it after the actor's name.
func (p PersonDeactivated) Sentence() string {
	return "deactivated a person" + handed(p.Handed) + when(p.Left > 0, "; left without an owner: "+itoa(p.Left))
}

func handed(list []Handed) string {
	var words []string
	for _, h := range list {
		words = append(words, itoa(h.Count)+" of "+h.Group)
	}
	if len(words) == 0 {
		return ""
	}
	return " and handed over " + strings.Join(words, ", ")
}

// PersonActivated: a person may sign in and be paged again.
type PersonActivated struct{}

// FactKind is "person.activated".
func (PersonActivated) FactKind() string { return "person.activated" }

// Sentence says it after the actor's name.
func (PersonActivated) Sentence() string { return "activated a person again" }

// HandedOver: what a person holds went to others.
type HandedOver struct {
	Handed []Handed `json:"handed,omitempty"`
}

// FactKind is "person.handed_over".
func (HandedOver) FactKind() string { return "person.handed_over" }

// Sentence says it after the actor's name.
func (p HandedOver) Sentence() string { return "passed on what a person holds" + handed(p.Handed) }

// PersonErased: a person's data was erased; Pseudonym is what is left of the name. Facts is how many facts had to forget.
type PersonErased struct {
	Pseudonym string `json:"pseudonym,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Facts     int64  `json:"facts,omitempty"`
	Done      bool   `json:"done,omitempty"` // false when it was asked for, true when all of it is gone
}

// FactKind is "person.erased".
func (PersonErased) FactKind() string { return "person.erased" }

// Sentence says it after the actor's name.
func (p PersonErased) Sentence() string {
	if !p.Done {
		return "erased the personal data of " + p.Pseudonym + when(p.Reason != "", ": "+p.Reason)
	}
	return "finished erasing the personal data of " + p.Pseudonym + ": " + strconv.FormatInt(p.Facts, 10) + " facts forgot it"
}

// PersonExported: everything that is held on a person was handed out.
type PersonExported struct{}

// FactKind is "person.exported".
func (PersonExported) FactKind() string { return "person.exported" }

// Sentence says it after the actor's name.
func (PersonExported) Sentence() string { return "exported everything that is held on a person" }

// JournalExported: facts were taken out as a file; Filter says which.
type JournalExported struct {
	Format string `json:"format,omitempty"`
	Filter string `json:"filter,omitempty"`
}

// FactKind is "journal.exported".
func (JournalExported) FactKind() string { return "journal.exported" }

// Sentence says it after the actor's name.
func (p JournalExported) Sentence() string {
	return "exported the journal as " + p.Format + when(p.Filter != "", ", "+p.Filter)
}

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

// SignedIn: somebody signed in. Method says how, such as "password", "password and code", "passkey" or "provider keycloak".
type SignedIn struct {
	Session string `json:"session,omitempty"`
	Method  string `json:"method,omitempty"`
}

// FactKind is "identity.signed_in".
func (SignedIn) FactKind() string { return "identity.signed_in" }

// Sentence says it after the actor's name.
func (p SignedIn) Sentence() string { return "signed in" + when(p.Method != "", " by "+p.Method) }

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

// PasswordChanged: a password was set. By is "link" when a one-time link was the proof.
type PasswordChanged struct {
	By string `json:"by,omitempty"`
}

// FactKind is "identity.password_changed".
func (PasswordChanged) FactKind() string { return "identity.password_changed" }

// Sentence says it after the actor's name.
func (p PasswordChanged) Sentence() string {
	return "set a new password" + when(p.By == "link", " by a one-time link")
}

// TokenCreated: an API token was made; Expires is zero for one that counts until it is revoked.
type TokenCreated struct {
	Name    string    `json:"name,omitempty"`
	Role    string    `json:"role,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
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

// PayloadErased: the content of facts of the project ErasedProject was erased or rewritten; the chain stays valid. ErasedSequence is
// the first of them. Sequences are those whose content is gone, as ranges such as "4-9,12"; Rewritten are those whose content was
// replaced, each with the digest of what stands there now. Cause is "person", "retention" or "fact".
type PayloadErased struct {
	ErasedProject  string             `json:"erasedProject,omitempty"`
	ErasedSequence int64              `json:"erasedSequence,omitempty"`
	Facts          int64              `json:"facts,omitempty"`
	Sequences      string             `json:"sequences,omitempty"`
	Rewritten      []PayloadRewritten `json:"rewritten,omitempty"`
	Cause          string             `json:"cause,omitempty"`
	Person         string             `json:"person,omitempty"` // whose data it was
	Reason         string             `json:"reason,omitempty"`
}

// PayloadRewritten is a fact whose content was replaced, and the salted SHA-256 of what stands there now.
type PayloadRewritten struct {
	Sequence int64  `json:"sequence"`
	Digest   []byte `json:"digest"`
}

// FactKind is "journal.erased".
func (PayloadErased) FactKind() string { return "journal.erased" }

// Sentence says it after the actor's name.
func (p PayloadErased) Sentence() string {
	what := "the content of a fact"
	if p.Facts > 1 {
		what = "the content of " + strconv.FormatInt(p.Facts, 10) + " facts"
	}
	if p.Cause == "person" {
		what = "a person's data from " + what
	}
	return "erased " + what + when(p.Reason != "", ": "+p.Reason)
}

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
	PersonActivated{},
	HandedOver{},
	PersonErased{},
	PersonExported{},
	JournalExported{},
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
