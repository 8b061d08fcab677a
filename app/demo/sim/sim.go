// Package sim owns the invention of a project's life under support: what happens to it, when, and what people do about it. It never
// touches a database, a clock or a service: a world and a seed go in, a list of events comes out, always the same one.
//
// A World is what a project is made of: its services and vendors, the people on duty, and the causes of trouble. Plan draws from it:
// each cause comes back in its own rhythm (with the load of the day and the week, at night, after deploys on Tuesdays to Thursdays)
// until the action that removes it is done; some occurrences grow into incidents, and from those follow updates to users, an
// analysis, actions, articles. Whoever plays the events (package demo does, through the real services on a moved clock) decides
// nothing but who is on call.
//
// To add a practice: add a Deed here, append it to the plan where it belongs (upkeep.go for what recurs by the calendar, incident.go
// for what follows from trouble), and add a hand in package demo that does it through the practice's service. Draw only from a
// random stream of your own (planner.stream): then the events of the other practices stay as they are, and so does the golden digest of a
// world without yours.
package sim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// Event is one thing that happens.
type Event struct {
	At time.Time
	Do Deed
}

// Deed is what happens. Objects are named by keys of the plan's own; people by their handles. By "" is whoever is in charge: the one
// who acknowledged, then the commander.
type Deed interface{ deed() }

// Alert is one condition as the monitoring tells it.
type Alert struct {
	Key, Name, Service, Severity, Instance string
	Summary, Description, Version          string
}

// The deeds of warning and escalation.
type (
	// Fire tells the intake of alerts, in one request.
	Fire struct{ Alerts []Alert }
	// End tells the intake that they are over.
	End struct{ Alerts []string }
	// Ack acknowledges the page of an alert. Pick chooses among those who were reached last.
	Ack struct {
		Alert, Via string
		Pick       int
	}
	// Beat is a sign of life of a nightly job; Fail says that the job failed.
	Beat struct {
		Name    string
		Every   time.Duration
		Fail    bool
		Message string
	}
	// Away has a person's turns on a schedule taken over while they are on leave.
	Away struct {
		Person, For, Schedule, Reason string
		From, Until                   time.Time
	}
)

// The deeds of an incident.
type (
	// Declare opens an incident. Began is when the disruption began.
	Declare struct {
		Incident, Title, Severity string
		Services, Alerts          []string
		Began                     time.Time
		By                        string
		Private                   bool
	}
	// Link ties an alert and its page to an incident.
	Link struct{ Incident, Alert string }
	// Role gives a role, if the plan has it.
	Role struct{ Incident, Role, Person string }
	// Step finishes the step of the plan with that number, or skips it for a reason, if there is one.
	Step struct {
		Incident, By, Skip string
		Number             int
	}
	// Note writes into the timeline; Ago is how long before it happened.
	Note struct {
		Incident, By, Kind, Text string
		Ago                      time.Duration
	}
	// Task adds a task, and has it done when Done.
	Task struct {
		Incident, By, Title string
		Done                bool
	}
	// Say tells users. Parts are component=state.
	Say struct {
		Incident, By, Approver, Status, Title, Body string
		Next                                        int // minutes
		Parts                                       []string
	}
	// Mark says that a phase is reached.
	Mark struct{ Incident, By, Phase string }
	// Regrade changes the severity.
	Regrade struct{ Incident, By, Severity string }
	// Resolve says that service is restored.
	Resolve struct{ Incident, By string }
	// Reopen says that it was not over.
	Reopen struct{ Incident, By string }
	// Close says that nothing is left to do.
	Close struct{ Incident, By string }
)

// The deeds of learning.
type (
	// Analyse writes a root cause analysis: texts, graph and corrective actions. Why is a path: each one explains the one before.
	Analyse struct {
		Incident, By               string
		Summary, Happened, Lessons string
		Why                        []Why
		Fixes                      []Corrective
	}
	// Send asks for a review, Agree reviews, Publish ends the analysis.
	Send    struct{ Incident, By string }
	Agree   struct{ Incident, By string }
	Publish struct{ Incident, By string }
	// Move takes an action on; Verdict says why.
	Move struct{ Action, By, To, Verdict string }
	// Delay gives an action another date.
	Delay struct {
		Action, By string
		Due        time.Time
	}
	// Write publishes an article drafted from an incident, rewritten for whoever has the same.
	Write struct{ Article, Incident, By, Title, Text string }
	// Use says what an article did for somebody at an alert.
	Use struct{ Article, Alert, By, Outcome string }
	// Tidy goes through what is owed: reviews whose date is near are done.
	Tidy struct{ By string }
)

// The deeds of upkeep.
type (
	// Window plans maintenance.
	Window struct {
		Key, By, Title, Text string
		Services, Parts      []string
		From, Until          time.Time
		ByHand               bool
	}
	// Maintain acts on a window: verify, finish, cancel or tell.
	Maintain struct{ Window, By, Do, Text string }
	// Phase changes the phase of the project.
	Phase struct{ By, Phase string }
)

// Why is one node of a cause graph.
type Why struct {
	Kind, Category, Text string
	Evidence             []Evidence
}

// Evidence shows that a node is so.
type Evidence struct{ Type, Text, Ref string }

// Corrective is an action that an analysis asks for. Node counts the Why from 0.
type Corrective struct {
	Key, Title, Proof, Owner string
	Node                     int
	Due                      time.Time
}

func (Fire) deed()     {}
func (End) deed()      {}
func (Ack) deed()      {}
func (Beat) deed()     {}
func (Away) deed()     {}
func (Declare) deed()  {}
func (Link) deed()     {}
func (Role) deed()     {}
func (Step) deed()     {}
func (Note) deed()     {}
func (Task) deed()     {}
func (Say) deed()      {}
func (Mark) deed()     {}
func (Regrade) deed()  {}
func (Resolve) deed()  {}
func (Reopen) deed()   {}
func (Close) deed()    {}
func (Analyse) deed()  {}
func (Send) deed()     {}
func (Agree) deed()    {}
func (Publish) deed()  {}
func (Move) deed()     {}
func (Delay) deed()    {}
func (Write) deed()    {}
func (Use) deed()      {}
func (Tidy) deed()     {}
func (Window) deed()   {}
func (Maintain) deed() {}
func (Phase) deed()    {}

// Count is how many of each object a plan can make at most.
type Count struct{ Alerts, Pages, Incidents, Actions, Articles, Windows int }

// Counts counts what a plan makes. Pages, actions and articles are upper bounds: what is joined, or done by the product itself, is not
// known here.
func Counts(events []Event) (c Count) {
	if len(events) == 0 {
		return c
	}
	end, grave := events[len(events)-1].At, map[string]bool{}
	for _, e := range events {
		switch d := e.Do.(type) {
		case Fire:
			c.Alerts += len(d.Alerts)
			for _, a := range d.Alerts {
				if a.Severity != Notice {
					c.Pages++
				}
			}
		case Beat:
			if d.Fail {
				c.Alerts++
				c.Pages++
			}
		case Declare:
			c.Incidents++
			if grave[d.Incident] = d.Severity < "sev-3"; grave[d.Incident] {
				c.Actions++ // to analyse it
			}
		case Regrade:
			if !grave[d.Incident] && d.Severity < "sev-3" {
				grave[d.Incident] = true
				c.Actions++
			}
		case Reopen:
			c.Actions++
		case Analyse:
			if c.Actions += len(d.Fixes); !grave[d.Incident] {
				c.Actions++
			}
		case Write:
			c.Articles++
			c.Actions += int(end.Sub(e.At)/(180*24*time.Hour)) + 1 // its reviews
		case Window:
			c.Windows++
		}
	}
	return c
}

// Digest identifies a plan: the same world, seed and time give the same digest. (Processors of another kind may round otherwise.)
func Digest(events []Event) string {
	h := sha256.New()
	for _, e := range events {
		b, err := json.Marshal(e.Do)
		if err != nil {
			panic(err) // deeds are plain
		}
		_, _ = fmt.Fprintf(h, "%d %T %s\n", e.At.UnixMicro(), e.Do, b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Fprint writes a plan as lines, for people.
func Fprint(w io.Writer, events []Event) error {
	for _, e := range events {
		if _, err := fmt.Fprintf(w, "%s %T %+v\n", e.At.Format("Mon 2006-01-02 15:04"), e.Do, e.Do); err != nil {
			return err
		}
	}
	return nil
}

// inOrder sorts by time and keeps the order of what happens at once.
func inOrder(events []Event) {
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
}
