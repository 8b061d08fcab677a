package communication

import (
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
	"github.com/mainstayhq/mainstay/fact"
)

// Cadence is when users are owed the next word about an incident.
type Cadence struct {
	Incident   string
	Project    string
	Due        time.Time // unset when nothing is owed
	Overdue    bool      // Due has passed without a word
	First      bool      // no word has come yet
	Generation int64     // a timer of an older one does nothing
}

const (
	timerDue = "post.due"

	firstWord = 5 * time.Minute  // from declaring a sev-1 or sev-2 to the first word
	lastWord  = 15 * time.Minute // from the end of a public incident to saying so
)

// noTime is the due time of nothing.
var noTime time.Time

// every is how often users are told by default.
func every(i Incident) time.Duration {
	switch {
	case i.Cadence > 0:
		return i.Cadence
	case i.Severity == mainstay.Sev1:
		return 20 * time.Minute
	}
	return 30 * time.Minute
}

// Every is how often users are told about the incident: as its plan says, else each 20 minutes at sev-1 and 30 below.
func (i Incident) Every() time.Duration { return every(i) }

// owes tells whether users are owed a first word without anybody having begun to tell them.
func owes(i Incident) bool {
	return !i.Private && (i.Severity == mainstay.Sev1 || i.Severity == mainstay.Sev2)
}

// owe sets when the next word is due; a zero due ends the obligation.
func (c *Cadence) owe(due time.Time, first bool) commit.Set {
	c.Due, c.Overdue, c.First = due, false, first
	c.Generation++
	if due.IsZero() {
		return commit.Set{Cancel: []commit.CancelTimer{{Kind: timerDue, Subject: c.Incident}}}
	}
	return commit.Set{Timers: []timer.Timer{{
		Kind: timerDue, Subject: c.Incident, Project: c.Project, Due: due, Generation: c.Generation,
	}}}
}

// fell is the rule of the due timer: the word has not come.
func (c *Cadence) fell(now time.Time) commit.Set {
	c.Overdue = true
	return commit.Set{Facts: []fact.Fact{fact.New(now, c.Project, system, fact.PostOverdue{Due: c.Due, First: c.First},
		mainstay.Ref{Kind: mainstay.KindIncident, ID: c.Incident})}}
}
