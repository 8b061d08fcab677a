package ui

// Listing is what stands around the rows of a list: views, filters, bulk acts, the way on. The address is the view: every
// choice is in its query.
type Listing struct {
	Name    string // "incidents": what saved views hang on
	Label   string // "Incidents"
	Path    string
	Tabs    []Tab
	Filters []Field
	Sort    *Field // nil when there is one order only
	Kept    []Pair // what the filter form sends unseen, such as the tab
	Clear   string // the address without filters; "" when nothing is filtered

	Dense    bool
	DenseURL string // the same list with the other density

	Count       string // "1–50 of more than 1,000"
	First, Next string // "" when this is the first page, or the last

	Views    []ViewLink
	Query    string   // of the address, for the form that saves the view
	Share    []Option // projects with which a view may be shared
	MaySave  bool
	Bulk     string // where chosen rows are posted to; "" when nothing can be done to many at once
	Acts     []BulkAct
	MostBulk int // at most so many rows are taken by "all that match"; 0 when all are on this page
}

// ViewLink is a saved view in the menu of a list.
type ViewLink struct {
	Text, URL, Note string
	Here            bool
}

// BulkAct is what can be done to the chosen rows. Kind is "", primary or danger. Field is what it needs to know besides.
type BulkAct struct {
	Word, Label, Kind string
	Key               string // a key that presses it while rows are chosen
	Field             *Field
}

// TableClass are the classes of the table of a list.
func (l Listing) TableClass() string {
	if l.Dense {
		return "t cards dense"
	}
	return "t cards"
}

func (l Listing) here() string {
	for _, v := range l.Views {
		if v.Here {
			return v.Text
		}
	}
	return "Views"
}

// OutcomeView is what became of each row of a bulk act.
type OutcomeView struct {
	Title, Sub, Back string
	Undo             string // where to post to take back what was done; "" when it cannot be
	Rows             []OutcomeRow
}

// OutcomeRow is one row of it.
type OutcomeRow struct {
	Key, Title, URL, Why string
	State                State
}
