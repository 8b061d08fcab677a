package fact

import (
	"strconv"
	"time"
)

// BackupMade: a backup was written to its file, whole. Nothing says yet that it can be restored.
type BackupMade struct {
	Name  string `json:"name,omitempty"`
	Size  int64  `json:"size,omitempty"` // bytes
	Rows  int64  `json:"rows,omitempty"`
	Files int64  `json:"files,omitempty"`
	Cause string `json:"cause,omitempty"` // "schedule" or "person"
}

// FactKind is "backup.made".
func (BackupMade) FactKind() string { return "backup.made" }

// Sentence says it after the actor's name.
func (p BackupMade) Sentence() string { return "made the backup " + p.Name }

// BackupVerified: a backup was restored into a database of its own, where the journal's chains, the numbers of rows and the contents of
// files were found whole.
type BackupVerified struct {
	Name   string `json:"name,omitempty"`
	Rows   int64  `json:"rows,omitempty"`
	Facts  int64  `json:"facts,omitempty"`
	Chains int    `json:"chains,omitempty"`
	Files  int64  `json:"files,omitempty"`
}

// FactKind is "backup.verified".
func (BackupVerified) FactKind() string { return "backup.verified" }

// Sentence says it after the actor's name.
func (p BackupVerified) Sentence() string {
	return "restored the backup " + p.Name + " to try it, and found it whole: " + strconv.FormatInt(p.Facts, 10) + " facts"
}

// BackupFailed: a backup could not be made, or cannot be restored. Phase is "making" or "verifying".
type BackupFailed struct {
	Name   string `json:"name,omitempty"`
	Phase  string `json:"phase,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// FactKind is "backup.failed".
func (BackupFailed) FactKind() string { return "backup.failed" }

// Sentence says it after the actor's name.
func (p BackupFailed) Sentence() string {
	if p.Phase == "verifying" {
		return "could not restore the backup " + p.Name + " to try it: " + p.Reason
	}
	return "could not make the backup " + p.Name + ": " + p.Reason
}

// BackupRemoved: a backup's file was removed. Reason is "retention" when newer ones took its place, "person" when somebody asked for it.
type BackupRemoved struct {
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// FactKind is "backup.removed".
func (BackupRemoved) FactKind() string { return "backup.removed" }

// Sentence says it after the actor's name.
func (p BackupRemoved) Sentence() string {
	return "removed the backup " + p.Name + when(p.Reason == "retention", ": newer ones have taken its place")
}

// BackupDownloaded: somebody took a backup out, which holds everything but the secret key.
type BackupDownloaded struct {
	Name string `json:"name,omitempty"`
}

// FactKind is "backup.downloaded".
func (BackupDownloaded) FactKind() string { return "backup.downloaded" }

// Sentence says it after the actor's name.
func (p BackupDownloaded) Sentence() string { return "downloaded the backup " + p.Name }

// RetentionPruned: what was older than a project keeps it was removed. What is "alerts", "deliveries", "inbox", "files" or "facts" (the
// content of facts; what that was of, the facts journal.erased say).
type RetentionPruned struct {
	What   string    `json:"what,omitempty"`
	Count  int64     `json:"count,omitempty"`
	Before time.Time `json:"before,omitzero"`
}

// FactKind is "retention.pruned".
func (RetentionPruned) FactKind() string { return "retention.pruned" }

// Sentence says it after the actor's name.
func (p RetentionPruned) Sentence() string {
	what := p.What
	switch p.What {
	case "deliveries":
		what = "entries of the delivery log"
	case "inbox":
		what = "requests of the inbox"
	case "facts":
		return "removed the content of " + strconv.FormatInt(p.Count, 10) + " facts that were older than is kept"
	}
	return "removed " + strconv.FormatInt(p.Count, 10) + " " + what + " that were older than is kept"
}

// RetentionHeld: nothing of a project is removed any more, whatever its age, until Held is false again.
type RetentionHeld struct {
	Held bool `json:"held"`
}

// FactKind is "retention.held".
func (RetentionHeld) FactKind() string { return "retention.held" }

// Sentence says it after the actor's name.
func (p RetentionHeld) Sentence() string {
	if p.Held {
		return "put a legal hold on the project: nothing is removed for its age"
	}
	return "lifted the legal hold: what is older than is kept may be removed"
}

// SecretKeyRotated: everything that was sealed with the secret key was sealed anew with another.
type SecretKeyRotated struct {
	Secrets int `json:"secrets,omitempty"` // how many were sealed anew
}

// FactKind is "setting.secret_key_rotated".
func (SecretKeyRotated) FactKind() string { return "setting.secret_key_rotated" }

// Sentence says it after the actor's name.
func (p SecretKeyRotated) Sentence() string {
	return "replaced the secret key and sealed " + itoa(p.Secrets) + " secrets anew"
}

var operationsKinds = []Teller{
	BackupMade{}, BackupVerified{}, BackupFailed{}, BackupRemoved{}, BackupDownloaded{}, RetentionPruned{}, RetentionHeld{}, SecretKeyRotated{},
}
