package fact

import "time"

// PostWanted: a request: prepare a public update about the incident. Served by communication.
type PostWanted struct {
	Status   string `json:"status,omitempty"`
	Template string `json:"template,omitempty"`
}

// FactKind is "post.wanted".
func (PostWanted) FactKind() string { return "post.wanted" }

// Sentence says it after the actor's name.
func (PostWanted) Sentence() string { return "asked for a word to users" }

// PostDrafted: a public update waits for approval.
type PostDrafted struct {
	Status   string `json:"status,omitempty"`
	Template string `json:"template,omitempty"`
}

// FactKind is "post.drafted".
func (PostDrafted) FactKind() string { return "post.drafted" }

// Sentence says it after the actor's name.
func (p PostDrafted) Sentence() string { return "drafted a word to users: " + postWords(p.Status) }

// PostRejected: a public update was not approved, or a request for one was refused; Reason is a code such as "private" or
// "person".
type PostRejected struct {
	Status string `json:"status,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// FactKind is "post.rejected".
func (PostRejected) FactKind() string { return "post.rejected" }

// Sentence says it after the actor's name.
func (p PostRejected) Sentence() string {
	return "rejected a public update" + when(p.Reason == "private", ": the incident is private")
}

// PostPublished: users were told; Digest is the SHA-256 of the text.
type PostPublished struct {
	Status     string            `json:"status,omitempty"`
	Digest     string            `json:"digest,omitempty"`
	Components map[string]string `json:"components,omitempty"`
	First      bool              `json:"first,omitempty"`
	NextUpdate time.Time         `json:"nextUpdate,omitzero"` // when the next word was promised; unset after the last one
}

// FactKind is "post.published".
func (PostPublished) FactKind() string { return "post.published" }

// Sentence says it after the actor's name.
func (p PostPublished) Sentence() string { return "told users: " + postWords(p.Status) }

// PostOverdue: users were promised the next word by Due, or should have had the first one by then, and it has not come.
type PostOverdue struct {
	Due   time.Time `json:"due,omitzero"`
	First bool      `json:"first,omitempty"`
}

// FactKind is "post.overdue".
func (PostOverdue) FactKind() string { return "post.overdue" }

// Sentence says it after the actor's name.
func (p PostOverdue) Sentence() string {
	if p.First {
		return "saw no first word to users in time"
	}
	return "saw the promised word to users fall overdue"
}

// PostWithdrawn: what was public about an incident was taken down, because the incident became private.
type PostWithdrawn struct {
	Updates int `json:"updates,omitempty"`
}

// FactKind is "post.withdrawn".
func (PostWithdrawn) FactKind() string { return "post.withdrawn" }

// Sentence says it after the actor's name.
func (PostWithdrawn) Sentence() string { return "took the incident off the status page" }

// ComponentChanged: the public state of a component.
type ComponentChanged struct {
	Component string `json:"component,omitempty"`
	Name      string `json:"name,omitempty"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
}

// FactKind is "component.changed".
func (ComponentChanged) FactKind() string { return "component.changed" }

// Sentence says it after the actor's name.
func (p ComponentChanged) Sentence() string {
	return "set the component " + p.Name + " to " + words(p.To)
}

var communicationKinds = []Teller{
	PostWanted{},
	PostDrafted{},
	PostRejected{},
	PostPublished{},
	PostOverdue{},
	PostWithdrawn{},
	ComponentChanged{},
}
