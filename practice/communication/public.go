package communication

import (
	"slices"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// Impact is how bad it is for users, in the words that status pages share.
type Impact string

// The impacts.
const (
	ImpactNone        Impact = "none"
	ImpactMinor       Impact = "minor"
	ImpactMajor       Impact = "major"
	ImpactCritical    Impact = "critical"
	ImpactMaintenance Impact = "maintenance"
)

func (i Impact) rank() int {
	return slices.Index([]Impact{ImpactNone, ImpactMinor, ImpactMajor, ImpactCritical}, i)
}

// Worse is the worse of two impacts.
func (i Impact) Worse(o Impact) Impact {
	if o.rank() > i.rank() {
		return o
	}
	return i
}

// ImpactOf is what a component's state means for users.
func ImpactOf(s State) Impact {
	switch s {
	case Degraded:
		return ImpactMinor
	case PartialOutage:
		return ImpactMajor
	case MajorOutage:
		return ImpactCritical
	}
	return ImpactNone
}

// impactOfSeverity is the impact of an incident whose updates name no component.
func impactOfSeverity(s mainstay.Severity) Impact {
	switch s {
	case mainstay.Sev1:
		return ImpactCritical
	case mainstay.Sev2:
		return ImpactMajor
	case mainstay.Sev3:
		return ImpactMinor
	}
	return ImpactNone
}

// PublicIncident is the public copy of an incident. It is written by the transaction that publishes an update, and it is all
// that the status page knows: the page never reads the incident itself.
type PublicIncident struct {
	ID           string // the incident's id
	Project      string
	Name         string
	Status       Status
	Impact       Impact
	Components   []string // component ids, in the order in which updates named them
	StartedAt    time.Time
	CreatedAt    time.Time // of the first update
	UpdatedAt    time.Time
	MonitoringAt time.Time
	ResolvedAt   time.Time
	Withheld     bool // became private: nothing of it may be shown
	Updates      []PublicUpdate
}

// PublicUpdate is one thing that the public was told, about an incident or a window.
type PublicUpdate struct {
	ID         string // the post's id, or the fact's
	Of         string // the incident's or window's id
	Status     string
	Body       string
	At         time.Time
	NextUpdate time.Time
	Affected   []Affected // nil when no component was named
}

// Affected is a component that an update touched.
type Affected struct {
	Component string `json:"component"` // id
	Name      string `json:"name"`
	Old       State  `json:"old"`
	New       State  `json:"new"`
}

// tell brings the public copy up to date with a published post.
func (pi *PublicIncident) tell(p Post, i Incident, affected []Affected) PublicUpdate {
	now := p.DecidedAt
	if pi.CreatedAt.IsZero() {
		*pi = PublicIncident{ID: i.ID, Project: i.Project, StartedAt: i.StartedAt, CreatedAt: now, Impact: ImpactNone}
	}
	pi.Name, pi.Status, pi.UpdatedAt = p.Title, p.Status, now
	for _, a := range affected {
		pi.Impact = pi.Impact.Worse(ImpactOf(a.New))
		if !slices.Contains(pi.Components, a.Component) {
			pi.Components = append(pi.Components, a.Component)
		}
	}
	if len(pi.Components) == 0 {
		pi.Impact = pi.Impact.Worse(impactOfSeverity(i.Severity))
	}
	switch p.Status {
	case Monitoring:
		pi.MonitoringAt = now
		pi.ResolvedAt = time.Time{}
	case Resolved:
		pi.ResolvedAt = now
	default:
		pi.MonitoringAt, pi.ResolvedAt = time.Time{}, time.Time{}
	}
	return PublicUpdate{
		ID: p.ID, Of: i.ID, Status: string(p.Status), Body: p.Body, At: now, NextUpdate: p.NextUpdate, Affected: affected,
	}
}

// PublicWindow is the public copy of a maintenance window, made from its facts.
type PublicWindow struct {
	ID          string
	Project     string
	Number      int64
	Name, Text  string
	Status      string // scheduled, in_progress, verifying, completed, cancelled
	From, Until time.Time
	Components  []string
	Sequence    int64
	Overrun     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	StartedAt   time.Time
	EndedAt     time.Time
	Updates     []PublicUpdate
}

// The statuses of windows, as their facts say them.
const (
	windowScheduled  = "scheduled"
	windowInProgress = "in_progress"
	windowVerifying  = "verifying"
	windowCompleted  = "completed"
	windowCancelled  = "cancelled"
)

// Active reports whether the maintenance is under way.
func (w PublicWindow) Active() bool {
	return w.Status == windowInProgress || w.Status == windowVerifying
}

// Upcoming reports whether the maintenance has not begun.
func (w PublicWindow) Upcoming() bool { return w.Status == windowScheduled }

// Cancelled reports whether the maintenance will not happen or was broken off.
func (w PublicWindow) Cancelled() bool { return w.Status == windowCancelled }

// hear takes in a fact of a window. It reports false for one that is older than what is known.
func (w *PublicWindow) hear(f fact.Fact, p fact.WindowPublic) (PublicUpdate, bool) {
	if w.Sequence >= p.Sequence {
		return PublicUpdate{}, false
	}
	if w.CreatedAt.IsZero() {
		w.CreatedAt = f.At
	}
	moved := w.Status != p.Status || w.Until != p.Until || w.From != p.From || w.Overrun != p.Overrun
	w.ID, w.Project, w.Number, w.Name, w.Text = f.Subject(mainstay.KindWindow), f.Project, p.Number, p.Title, p.Text
	w.From, w.Until, w.Components, w.Sequence, w.Overrun = p.From, p.Until, p.Components, p.Sequence, p.Overrun
	if p.Status == windowInProgress && w.StartedAt.IsZero() {
		w.StartedAt = f.At
	}
	if p.Status == windowCompleted || p.Status == windowCancelled {
		w.EndedAt = f.At
	}
	words := p.Update
	if words == "" && moved {
		words = windowWords(*w, p)
	}
	w.Status, w.UpdatedAt = p.Status, f.At
	return PublicUpdate{ID: f.ID, Of: w.ID, Status: p.Status, Body: words, At: f.At}, words != ""
}

// windowWords are the usual words for a change of a window when nobody wrote any.
func windowWords(before PublicWindow, p fact.WindowPublic) string {
	switch {
	case p.Status == windowScheduled && before.Status == "":
		return orWord(p.Text, "Maintenance is planned.")
	case p.Status == windowScheduled:
		return "The planned time of this maintenance has changed."
	case p.Overrun && before.Status == p.Status:
		return "The maintenance takes longer than planned."
	case p.Status == windowInProgress && before.Status == windowInProgress:
		return "The planned end of this maintenance has changed."
	case p.Status == windowInProgress:
		return "The maintenance has begun."
	case p.Status == windowVerifying:
		return "The work is done. We are checking the result."
	case p.Status == windowCompleted:
		return "The maintenance is complete."
	case p.Status == windowCancelled && before.Status == windowScheduled:
		return "This maintenance will not take place."
	}
	return "The maintenance was broken off."
}

// Site is everything that the status page shows, read at one moment.
type Site struct {
	Components []Component
	Intervals  []Interval // of the last 90 days, oldest first
	Incidents  []PublicIncident
	Windows    []PublicWindow
	At         time.Time
}

// Public is the site without what must not be seen: incidents that were withheld, and any that the given set, read from the
// register of objects, calls private. It is the wall of the rendering, whatever the tables hold.
func (s Site) Public(private map[string]bool) Site {
	kept := s.Incidents[:0:0]
	for _, i := range s.Incidents {
		if !i.Withheld && !private[i.ID] && len(i.Updates) > 0 {
			kept = append(kept, i)
		}
	}
	s.Incidents = kept
	return s
}
