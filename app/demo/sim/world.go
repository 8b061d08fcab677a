package sim

import "time"

// The severities of alerts, as the labels say them. A notice pages nobody.
const (
	Critical = "critical"
	Warning  = "warning"
	Notice   = "notice"
)

// World is what a project is made of.
type World struct {
	Name   string
	Zone   *time.Location
	Causes []Cause
	Rota   []Duty   // who stands in for whom
	Teller string   // speaks to users, and approves what others wrote
	Judges []string // review analyses and judge actions
	Team   []string // own actions
	// Windows is routine maintenance; Jobs are nightly jobs that report.
	Windows []Routine
	Jobs    []string
	// Scripted trouble comes at a set time before the end, whatever the dice say.
	Scripted []Scripted
	Launch   bool // the time begins with a go-live: a busier first half, and the phase changes
	Growth   float64
	Private  *Trouble // one incident that the public must never hear of; nil for none
}

// Duty is a person on a schedule and who takes over their turns.
type Duty struct{ Person, For, Schedule string }

// Rhythm is when a cause comes.
type Rhythm int

// The rhythms.
const (
	Flat    Rhythm = iota
	Load           // with the visitors: office hours and evenings
	Night          // with the batch jobs between one and five
	Deploys        // Tuesday to Thursday, ten to five
	Mondays        // Monday mornings
)

// Cause is something that goes wrong again and again until it is mended.
type Cause struct {
	Alert, Service, Severity string
	Summary, Description     string   // {a} and {b} are numbers drawn from A and B
	A, B                     [2]int   // inclusive
	Instances                []string // one of them fires, or several at once
	Weekly                   float64  // occurrences
	Rhythm                   Rhythm
	Minutes                  float64 // median
	Flaps                    float64 // share that comes and goes several times
	From, Until              float64 // share of the time in which it exists; Until 0 is to the end
	Trouble                  *Trouble
	Chance                   float64 // that an occurrence becomes an incident
	Follow                   []Alert // what else fires then
}

// Trouble is what a cause grows into.
type Trouble struct {
	Title, Public string
	Severity      []string // one of them
	Services      []string
	Minutes       float64  // median until the harm is stopped
	Parts         []string // component=state while it lasts
	Vendor        string
	// What users are told; one of each is chosen.
	Looking, Found, Still, Watching, Over []string
	// What people write into the timeline, in this order: "kind|text".
	Notes    []string
	Why      []Why
	Lessons  string
	Happened string
	Fixes    []Fix
	Expert   string // who knows it best
}

// Fix is a corrective action of a trouble.
type Fix struct {
	Title, Proof, Owner string
	Days                float64 // median until it is done
	Mends               bool    // once done, the cause is gone
	Node                int
}

// Routine is maintenance that recurs.
type Routine struct {
	Title, Text     string
	Services, Parts []string
	Every           int // weeks
	Day             time.Weekday
	Hour            int
	Minutes         int
	By              string
}

// Scripted is trouble at a set time: so long before the end.
type Scripted struct {
	Before time.Duration
	Cause  int    // in Causes
	Grade  string // "" for one of the trouble's
	Clock  int    // hour of day, 0 to leave Before as it is
}
