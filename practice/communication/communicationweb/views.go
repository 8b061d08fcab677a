package communicationweb

import (
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

type componentsView struct {
	Projects  []componentList
	MayAdd    bool
	StatusURL string
}

type componentList struct {
	Title string
	Rows  []componentRow
}

type componentRow struct {
	Title, URL, Name, Share string
	State                   ui.State
	Group                   bool
	Bars                    web.Component
}

type stretch struct {
	State       ui.State
	From, Until time.Time
}

func (s stretch) lasted() string {
	if s.Until.IsZero() {
		return "goes on"
	}
	return ui.Long(s.Until.Sub(s.From))
}

// definition is the form of a component.
type definition struct {
	Name, Project    string
	Spec             communication.ComponentSpec
	IsGroup          bool
	Showcase         bool
	Groups, Services []ui.Option
	Faults           map[string]string
	New              bool
}

func (d definition) group() string {
	if d.IsGroup {
		return ""
	}
	return string(d.Spec.Group)
}

type componentView struct {
	Row                 componentRow
	Description         string
	Service, ServiceURL string
	Hand                communication.State
	Reason              string
	History             []stretch
	MayManage           bool
	URL                 string
	Form                definition
	Faults              map[string]string
}

func (v componentView) states() []ui.Option {
	var l []ui.Option
	for _, s := range communication.States() {
		if s != communication.UnderMaintenance {
			l = append(l, ui.Option{Value: string(s), Text: s.Words()})
		}
	}
	return l
}

type newComponentView struct {
	Projects []ui.Option
	Form     definition
}

type postRow struct {
	URL, Title, Text, Status, Who string
	Incident, IncidentURL         string
	State                         ui.State
	At                            time.Time
	Draft                         bool
}

type postsView struct {
	Rows []postRow
	Tabs []ui.Tab
	Next string
}

type postView struct {
	Row                            postRow
	URL, Title, Reason, WhyNot     string
	Body                           []string
	Components                     []ui.Pair
	NextUpdate                     time.Time
	MayEdit, MayApprove, MayReject bool
	Form                           postForm
}

type postForm struct {
	Input      communication.Input
	Template   string
	Next       string
	Every      string
	Statuses   []ui.Option
	Components []ui.Field
	Templates  []ui.Tab
	Names      []string
	Action     string
	Save       string
	Faults     map[string]string
	MayApprove bool
	Look       bool     // there is a button that shows the preview anew
	Preview    *preview // nil while something stands in the way
}

// preview is an update as each of its readers gets it.
type preview struct {
	Title, Status string
	Body          []string
	Components    []ui.Pair
	NextUpdate    time.Time
	Incident      string // as colleagues know it
}

// text is the update in one piece, as a feed carries it.
func (p preview) text() string { return strings.Join(p.Body, " ") }

// incidentPanel is what the page of an incident shows about public updates.
type incidentPanel struct {
	ID, Live   string
	New        string // where to write one; "" when the viewer may not
	Due        *ui.Countdown
	Overdue    bool
	First      bool
	Waiting    []waiting
	Told       []postRow
	PublicURL  string
	EveryWords string
}

type waiting struct {
	Row        postRow
	URL        string
	MayApprove bool
	WhyNot     string
	Fault      string
}

// nowPanel is what Now shows of the components.
type nowPanel struct {
	Rows    []componentRow
	More    int
	Windows []windowRow
}

type windowRow struct {
	Key, URL, Title string
	State           ui.State
	From, Until     time.Time
}

func placeholderHint() string {
	text := "Words in double braces are filled at the moment when users are told: {{next_update}} becomes the time of the next word. There are: "
	for i, p := range communication.Placeholders() {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("{{%s}}", p)
	}
	return text + "."
}
