package maintenanceweb

import (
	"time"

	"github.com/mainstayhq/mainstay/practice/maintenance"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

type listView struct {
	List     ui.Listing
	Rows     []row
	Old      bool
	MayAdd   bool
	Filtered bool
}

type row struct {
	Key, URL, Title, Project, Length string
	State                            ui.State
	From                             time.Time
}

type windowView struct {
	Key, URL, Title, Text, By, Length, Live string
	State                                   ui.State
	From, Until, Started, Ended             time.Time
	ByHand                                  bool
	Services, Components                    []ui.Act
	Updates                                 []update
	MayStart, MayVerify, MayFinish          bool
	MayCancel, MayTell, MayEdit             bool
	Typed                                   string
	Faults                                  map[string]string
	Panels                                  []web.Component
}

type update struct {
	At               time.Time
	Text, State, Who string
}

type choice struct {
	Value, Text string
	Checked     bool
}

type form struct {
	Title, Action, Save, Project, Zone string
	From, Until                        string
	ByHand                             bool
	Spec                               maintenance.WindowSpec
	Projects                           []ui.Option
	Services, Components               []choice
	Faults                             map[string]string
}
