package fact

import "time"

// WebhookDisabled: Mainstay delivers to an endpoint no more. Reason is "gone" when the receiver answered 410, "failing" when nothing
// got through for days (since Since), or "person".
type WebhookDisabled struct {
	Name   string    `json:"name,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// FactKind is "webhook.disabled".
func (WebhookDisabled) FactKind() string { return "webhook.disabled" }

// Sentence says it after the actor's name.
func (p WebhookDisabled) Sentence() string {
	switch p.Reason {
	case "gone":
		return "disabled the webhook " + p.Name + ": its receiver is gone"
	case "failing":
		return "disabled the webhook " + p.Name + ": nothing got through for days"
	}
	return "paused the webhook " + p.Name
}

// WebhookEnabled: an endpoint is delivered to again, from where it stopped, or with Skipped from now on.
type WebhookEnabled struct {
	Name    string `json:"name,omitempty"`
	Skipped bool   `json:"skipped,omitempty"`
}

// FactKind is "webhook.enabled".
func (WebhookEnabled) FactKind() string { return "webhook.enabled" }

// Sentence says it after the actor's name.
func (p WebhookEnabled) Sentence() string {
	return "enabled the webhook " + p.Name + when(p.Skipped, ", without what it missed")
}

// WebhookSecretRotated: an endpoint signs with a new secret; the one before counts until Until.
type WebhookSecretRotated struct {
	Name  string    `json:"name,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// FactKind is "webhook.secret_rotated".
func (WebhookSecretRotated) FactKind() string { return "webhook.secret_rotated" }

// Sentence says it after the actor's name.
func (p WebhookSecretRotated) Sentence() string {
	return "gave the webhook " + p.Name + " a new secret"
}

// WebhookReplayed: facts of a project are delivered to an endpoint once more: those after sequence After up to Until.
type WebhookReplayed struct {
	Name    string `json:"name,omitempty"`
	Project string `json:"project,omitempty"`
	After   int64  `json:"after,omitempty"`
	Until   int64  `json:"until,omitempty"`
}

// FactKind is "webhook.replayed".
func (WebhookReplayed) FactKind() string { return "webhook.replayed" }

// Sentence says it after the actor's name.
func (p WebhookReplayed) Sentence() string { return "replayed facts to the webhook " + p.Name }

// WebhookEventRefused: a receiver refused an event for what it is, again and again; the ones after it were delivered. First is its
// sequence in the project.
type WebhookEventRefused struct {
	Name   string `json:"name,omitempty"`
	First  int64  `json:"first,omitempty"`
	Status int    `json:"status,omitempty"`
}

// FactKind is "webhook.event_refused".
func (WebhookEventRefused) FactKind() string { return "webhook.event_refused" }

// Sentence says it after the actor's name.
func (p WebhookEventRefused) Sentence() string {
	return "set an event aside that the webhook " + p.Name + " refused with " + itoa(p.Status)
}

var webhookKinds = []Teller{
	WebhookDisabled{},
	WebhookEnabled{},
	WebhookSecretRotated{},
	WebhookReplayed{},
	WebhookEventRefused{},
}
