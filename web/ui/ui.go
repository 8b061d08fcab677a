// Package ui owns the components that pages are made of, in the look of the house: states, tables, forms, times, the shell.
// It never decides anything: it shows the values that a view model gives it.
package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/a-h/templ"
)

// Tone is the colour of a state. Colour is state only.
type Tone string

// The tones: someone must act now; must act today; proven, met, up; planned or under way; known, nothing to do.
const (
	ToneCrit  Tone = "crit"
	ToneWarn  Tone = "warn"
	ToneGood  Tone = "good"
	ToneInfo  Tone = "info"
	ToneMuted Tone = "muted"
)

// State is a word with its colour and its shape, so that any one of the three is enough to read it. An empty Shape is the
// shape of the tone. Other shapes: half (stale), na, unk (not measurable), quiet (suppressed), run, skip, next (to do), dot.
type State struct {
	Tone  Tone
	Shape string
	Word  string
}

// Crit, Warn, Good, Info and Muted make states in the tone's own shape.
func Crit(word string) State { return State{Tone: ToneCrit, Word: word} }

// Warn is a state that a person must act on today.
func Warn(word string) State { return State{Tone: ToneWarn, Word: word} }

// Good is a state that is proven, met or up.
func Good(word string) State { return State{Tone: ToneGood, Word: word} }

// Info is a state that is planned or under way.
func Info(word string) State { return State{Tone: ToneInfo, Word: word} }

// Muted is a state that is known, with nothing to do.
func Muted(word string) State { return State{Tone: ToneMuted, Word: word} }

// As is the state with another shape.
func (s State) As(shape string) State {
	s.Shape = shape
	return s
}

// IsZero reports whether there is nothing to show.
func (s State) IsZero() bool { return s.Word == "" && s.Tone == "" }

func (s State) href() string {
	if s.Shape != "" {
		return "#s-" + s.Shape
	}
	if s.Tone == "" {
		return "#s-muted"
	}
	return "#s-" + string(s.Tone)
}

// Pair is a name with a value.
type Pair struct{ Name, Value string }

// Crumb is one step of the way to a page; the last has no URL.
type Crumb struct{ Text, URL string }

// Said is a toast. With a Label it has a button that posts to URL.
type Said struct {
	Text  string `json:"t"`
	Label string `json:"l,omitempty"`
	URL   string `json:"u,omitempty"`
}

// Tally is a number in the rail; nothing is shown for 0.
type Tally struct {
	N    int
	Crit bool
}

// Place is one entry of the rail.
type Place struct {
	Text, Icon, URL string
	Key             string // goes there after g
	Here, Phone     bool
	Tally           Tally
}

func (p Place) upper() string { return strings.ToUpper(p.Key) }

// Pin is a saved view in the rail.
type Pin struct {
	Text, URL string
	Here      bool
}

// Bell is the number of unread notifications.
type Bell struct {
	URL  string
	N    int
	Live string // whose changes refresh it
}

func (b Bell) count() string {
	if b.N > 99 {
		return "99+"
	}
	return fmt.Sprint(b.N)
}

// modules are the scripts that mainstay.js imports: the page asks for them at once instead of one after the other.
var modules = []string{"dom.js", "clock.js", "morph.js", "live.js", "form.js", "keys.js", "palette.js", "list.js", "device.js"}

// Me is the viewer at the foot of the rail.
type Me struct {
	ID              string // person id; "" for a token
	Name, Line, URL string
	OnCall          bool
}

// Burn is the strip above every page while a sev-1 burns.
type Burn struct {
	URL   string
	ID    string    // INC-42
	Title string    // what users notice
	Since time.Time // when it began
	Who   string    // who commands; "" when nobody does yet
	Next  string    // what comes next
	Due   time.Time // until when; zero when nothing is due
}

// Shell is everything around a page.
type Shell struct {
	Title   string
	Crumbs  []Crumb
	Rail    []Place
	Pins    []Pin
	Bell    *Bell  // nil for viewers who get no notifications
	Mine    string // the page of what the viewer owes; "" when there is none
	Ref     string // the object that the page is about, kind:id
	Me      Me
	Burn    *Burn
	Says    []Said
	Live    []string
	Bare    bool
	Phone   bool
	SignOut bool
	Version string
	LiveAt  string // the live stream's position when the page was made
}

func (s Shell) title() string {
	if s.Title == "" {
		return "Mainstay"
	}
	return s.Title + " · Mainstay"
}

func (s Shell) bodyClass() string {
	switch {
	case s.Bare:
		return "bare"
	case s.Phone:
		return "focus"
	}
	return ""
}

func (s Shell) live() string { return strings.Join(s.Live, " ") }

// Failure is an error page.
type Failure struct {
	Status                  int
	Title, Message, Request string
	Faults                  []Pair
}

// First is what to do first, on a page that has nothing to show yet: the button Label leads to URL, Acts are further ways.
type First struct {
	Title, Text, Label, URL string
	Acts                    []Act
}

// Act is a button that leads somewhere.
type Act struct{ Label, URL string }

// NowView is the page Now.
type NowView struct {
	Line              string // what goes on, in one sentence
	First             *First
	Whole, Wide, Side []templ.Component
}

// ProjectLine is one project in the list.
type ProjectLine struct {
	ID, Name, Title, Phase, Note string
	State                        State
}

// ProjectsView is the list of projects.
type ProjectsView struct {
	Lines  []ProjectLine
	MayAdd bool
}

// ProjectView is a project's home.
type ProjectView struct {
	Line              ProjectLine
	Whole, Wide, Side []templ.Component
}

func (v ProjectView) sub() string {
	if v.Line.Note == "" {
		return v.Line.Phase
	}
	return v.Line.Note + " In " + v.Line.Phase + "."
}

// Hit is one answer of the search.
type Hit struct {
	Kind, Number, Title, Note, URL string
	Do                             bool
	Post                           *PostButton // an act that is posted
}

// about is the kind in words and what else there is to say.
func (h Hit) about() string {
	kind := h.Kind
	if kind == "rootcause" {
		kind = "root cause"
	}
	if kind == "" || h.Note == "" {
		return kind + h.Note
	}
	return kind + ", " + h.Note
}

// SearchView is the search page.
type SearchView struct {
	Query string
	Hits  []Hit
}

// LapsedView is the page of someone whose session ended while they typed.
type LapsedView struct {
	Action, SignIn string
	Fields         []Pair
	Dropped        bool // something could not be kept: a password, a file
}

// Fields below 80 characters are shown in one line, longer ones as text.
func (p Pair) long() bool { return len(p.Value) > 80 || strings.Contains(p.Value, "\n") }

// Section is a part of a page under a 16-px title. Live names the objects whose changes refresh it ("incident:ID",
// "alert:*" for any of a kind, several with spaces); it needs an ID then.
type Section struct {
	ID, Title, Note, Live string
	Right                 templ.Component
	Class                 string
}

// Heading is the head of a page: what it is, its state, one line that says the rest.
type Heading struct {
	ID     string // INC-42
	Badges []string
	State  State
	Title  string
	Sub    templ.Component
}

// Col is a column of a table. Number aligns right, Wide is left out on a phone, Tight does not wrap.
type Col struct {
	Text                string
	Number, Wide, Tight bool
	Class               string
}

func (c Col) class() string {
	var words []string
	if c.Number {
		words = append(words, "n")
	}
	if c.Wide {
		words = append(words, "lo")
	}
	if c.Tight {
		words = append(words, "w")
	}
	if c.Class != "" {
		words = append(words, c.Class)
	}
	return strings.Join(words, " ")
}

// Cols makes plain columns from titles. "#Title" aligns right, "-Title" is left out on a phone.
func Cols(titles ...string) []Col {
	cols := make([]Col, len(titles))
	for i, t := range titles {
		for t != "" && (t[0] == '#' || t[0] == '-') {
			cols[i].Number = cols[i].Number || t[0] == '#'
			cols[i].Wide = cols[i].Wide || t[0] == '-'
			t = t[1:]
		}
		cols[i].Text = t
	}
	return cols
}

// Field is one field of a form. Type is that of the input: text when empty; "textarea", "select", "checkbox" and "radios"
// are shown as such. Fault is what is wrong with the value, Hint what to write.
type Field struct {
	Name, Label, Value, Type string
	Hint, Fault              string
	Placeholder              string
	Options                  []Option
	Required, Checked        bool
	Autocomplete             string
	Rows                     int
	Max                      int // longest value in characters; 0 = no bound
	Pattern, Step            string
	Autofocus                bool
	List                     []string // suggestions

	nth int // so many fields of this name stand before it on the page
}

// Option is one choice of a select or of radios.
type Option struct{ Value, Text string }

// Options makes options whose text is their value.
func Options(values ...string) []Option {
	options := make([]Option, len(values))
	for i, v := range values {
		options[i] = Option{Value: v, Text: v}
	}
	return options
}

func (f Field) id() string {
	if f.nth > 0 {
		return fmt.Sprintf("f-%s-%d", f.Name, f.nth+1)
	}
	return "f-" + f.Name
}

// placed is the field with an id that no other field of the page has: two forms may both have a field "text".
func (f Field) placed(ctx context.Context) Field {
	if used := clockOf(ctx).fields; used != nil {
		f.nth = used[f.Name]
		used[f.Name]++
	}
	return f
}

func (f Field) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f Field) described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.id()+"-hint")
	}
	if f.Fault != "" {
		ids = append(ids, f.id()+"-err")
	}
	return strings.Join(ids, " ")
}

func (f Field) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return fmt.Sprint(f.Rows)
}

// attrs are the attributes that all controls share.
func (f Field) attrs() templ.Attributes {
	a := templ.Attributes{"id": f.id(), "name": f.Name}
	// A select that offers "" means it as a choice, such as "none"; a browser would refuse to send it as a missing value.
	if f.Required && !(f.Type == "select" && slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == "" })) {
		a["required"] = true
	}
	if f.Autofocus {
		a["autofocus"] = true
	}
	for name, v := range map[string]string{
		"placeholder": f.Placeholder, "autocomplete": f.Autocomplete, "pattern": f.Pattern, "step": f.Step,
		"aria-describedby": f.described(),
	} {
		if v != "" {
			a[name] = v
		}
	}
	if f.Fault != "" {
		a["aria-invalid"] = "true"
	}
	if f.Max > 0 {
		a["maxlength"] = fmt.Sprint(f.Max)
	}
	if len(f.List) > 0 {
		a["list"] = f.id() + "-list"
	}
	return a
}

// PostButton is a form of one button. Kind is "", primary, danger or quiet; Key a key that presses it; Hidden what it sends.
type PostButton struct {
	URL, Label, Kind, Key string
	Hidden                []Pair
	Small                 bool
	Disabled              bool
}

func (b PostButton) class() string { return buttonClass(b.Kind, b.Small) }

func buttonClass(kind string, small bool) string {
	class := "btn"
	if kind != "" {
		class += " " + kind
	}
	if small {
		class += " sm"
	}
	return class
}

// PersonView is a person as lists show them. Note is a second line. OnCall fills the disc, Away dashes it.
type PersonView struct {
	Name, Note, URL    string
	OnCall, Away, Team bool
}

func (p PersonView) initials() string { return Initials(p.Name) }

func (p PersonView) class() string {
	switch {
	case p.Team:
		return "av team"
	case p.OnCall:
		return "av on"
	case p.Away:
		return "av off"
	}
	return "av"
}

// Initials are at most two letters that stand for a name.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var out []rune
	for i, w := range words {
		if i == 0 || i == len(words)-1 {
			out = append(out, unicode.ToUpper([]rune(w)[0]))
		}
	}
	if len(words) == 1 && len([]rune(words[0])) > 1 {
		out = append(out, unicode.ToUpper([]rune(words[0])[1]))
	}
	return string(out)
}

// Event is one line of a timeline. At is when it happened, Recorded when Mainstay learned it (zero: at once).
type Event struct {
	At, Recorded time.Time
	State        State           // its shape on the line; zero is a plain dot
	Text         templ.Component // one sentence
	Note         string          // who or where from
}

func (e Event) dot() string {
	if e.State.IsZero() {
		return "#s-dot"
	}
	return e.State.href()
}

func (e Event) late() bool { return !e.Recorded.IsZero() && e.Recorded.Sub(e.At) >= time.Minute }

// Phase is one step of an object's life. Value is when it was reached, or what is missing.
type Phase struct {
	Name, Value, Note string
	Now, Todo         bool
}

func (p Phase) class() string {
	switch {
	case p.Now:
		return "now"
	case p.Todo:
		return "todo"
	}
	return ""
}

// Tab is one of several views of an object.
type Tab struct {
	Text, URL string
	Here      bool
	N         int
}

// Countdown says how long until something is due. Share is how much of the time has gone, 0 to 100.
type Countdown struct {
	Title string
	Due   time.Time
	Share int
	Left  string // a note below, on the left
	Right string
}

func (c Countdown) tone(ctx context.Context) string {
	left := c.Due.Sub(Now(ctx))
	switch {
	case left < 0:
		return "c"
	case c.Share >= 75:
		return "w"
	}
	return ""
}

// Safe is HTML that was made safe already, such as a rendered Markdown document. Nothing else may go through it.
func Safe(html string) templ.Component { return templ.Raw(html) }

// Text is plain text as a component.
func Text(s string) templ.Component { return templ.Raw(templ.EscapeString(s)) }

// Textf is formatted plain text as a component.
func Textf(format string, args ...any) templ.Component { return Text(fmt.Sprintf(format, args...)) }

// Plural is "1 alert" or "3 alerts".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
