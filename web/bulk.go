package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/object"
	"github.com/mainstayhq/mainstay/web/ui"
)

// mostBulk is how many rows one bulk act takes.
const mostBulk = 500

// Inverse is a step that takes back another: an act known to Router.Undoes, on an object as it was left by what is to be undone.
type Inverse struct {
	Act     string        `json:"a"`
	Kind    mainstay.Kind `json:"k"`
	ID      string        `json:"i"`
	Key     string        `json:"n"` // as people call it
	Version int64         `json:"v,omitempty"`
	Before  string        `json:"b,omitempty"` // what the act needs to know of the time before
}

// Undo keeps what would take back what a person did, for a short time.
type Undo interface {
	Keep(ctx context.Context, person string, body []byte) (id string, err error)
	// Take gives it out once. It fails with Gone when its time is over or it was taken.
	Take(ctx context.Context, person, id string) ([]byte, error)
}

// Did is what an act came to on one row: what to say of it, and what takes it back, nil when nothing does or nothing was changed.
type Did struct {
	Said string
	Undo *Inverse
	Idle bool // it was so already
}

// Bulk is what can be done to many rows of a list at once.
type Bulk struct {
	Pattern    string // POST, "/pages/bulk"
	Kind       mainstay.Kind
	Permission access.Permission
	Back       string // the list, "/pages"
	// Matching lists the keys of the rows that the query of a list selects, at most so many.
	Matching func(c *Ctx, query url.Values, most int) ([]string, error)
	// Acts do something to one object, by the word of the button.
	Acts map[string]func(c *Ctx, o object.Object) (Did, error)
	// Words say what was done, by the word of the button: "acknowledged".
	Words map[string]string
}

// Bulk adds the route of a bulk act. Each row is permitted and done by itself; what fails on one does not hold up the others.
func (rt *Router) Bulk(b Bulk) {
	rt.Handle(Route{Method: http.MethodPost, Pattern: b.Pattern, Permission: b.Permission, Urgent: b.Kind == mainstay.KindPage}, func(c *Ctx) error {
		return b.do(c)
	})
}

// Undoes adds an act that takes back another. It is given the object and the inverse that was kept.
func (rt *Router) Undoes(act string, perm access.Permission, do func(c *Ctx, o object.Object, was Inverse) (Did, error)) {
	if rt.inverses == nil {
		rt.inverses = map[string]inverse{}
	}
	rt.inverses[act] = inverse{perm, do}
}

type inverse struct {
	perm access.Permission
	do   func(c *Ctx, o object.Object, was Inverse) (Did, error)
}

func (b Bulk) do(c *Ctx) error {
	act, ok := b.Acts[c.Form("act")]
	if !ok {
		return mainstay.Errorf(mainstay.Invalid, "Choose what to do with the rows.")
	}
	keys := c.FormAll("pick")
	query, err := url.ParseQuery(c.Form("query"))
	if err != nil {
		query = url.Values{}
	}
	if c.Checked("all") && b.Matching != nil {
		if keys, err = b.Matching(c, query, mostBulk); err != nil {
			return err
		}
	}
	back := b.Back
	if len(query) > 0 {
		back += "?" + query.Encode()
	}
	if len(keys) == 0 {
		c.Say("Nothing was chosen, so nothing was done.")
		return c.See(back)
	}
	if len(keys) > mostBulk {
		return mainstay.Errorf(mainstay.Invalid, "At most %d rows at once. Nothing was done.", mostBulk)
	}
	rows := outcomes{word: b.Words[c.Form("act")]}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		rows.one(c, b.Kind, key, b.Permission, func(o object.Object) (Did, error) { return act(c, o) })
	}
	return rows.answer(c, back)
}

// outcomes gathers what became of each row.
type outcomes struct {
	word             string
	rows             []ui.OutcomeRow
	undo             []Inverse
	done, idle, fail int
}

// one does something to one row that the viewer may do it to.
func (s *outcomes) one(c *Ctx, kind mainstay.Kind, key string, perm access.Permission, do func(o object.Object) (Did, error)) {
	row := ui.OutcomeRow{Key: key, Title: string(kind)}
	o, err := c.rt.Seen(c.Context(), mainstay.Ref{Kind: kind, ID: key})
	if err == nil {
		row.Key, row.Title, row.URL = o.Key(), o.Title, o.URL()
		if !c.Viewer.May(perm, o.Project) {
			err = denied(perm)
		}
	}
	var did Did
	if err == nil {
		c.Ref, c.Project = o.Ref, o.Project
		did, err = do(o)
		c.Ref, c.Project = mainstay.Ref{}, ""
	}
	switch {
	case err != nil:
		s.fail++
		row.State, row.Why = ui.Warn("not done"), messageOf(err)
		if Status(err) == http.StatusInternalServerError {
			c.rt.note(c.R, err)
		}
	case did.Idle:
		s.idle++
		row.State, row.Why = ui.Muted("as it was"), did.Said
	default:
		s.done++
		row.State, row.Why = ui.Good(s.word), did.Said
		if did.Undo != nil {
			if did.Undo.ID == "" {
				did.Undo.Kind, did.Undo.ID, did.Undo.Key = o.Ref.Kind, o.Ref.ID, o.Key()
			}
			s.undo = append(s.undo, *did.Undo)
		}
	}
	s.rows = append(s.rows, row)
}

// said is the sentence for all of them: "3 acknowledged, 1 as it was, 2 not."
func (s *outcomes) said() string {
	var parts []string
	if s.done > 0 || s.idle+s.fail == 0 {
		parts = append(parts, fmt.Sprintf("%d %s", s.done, s.word))
	}
	if s.idle > 0 {
		parts = append(parts, fmt.Sprintf("%d had nothing to change", s.idle))
	}
	if s.fail > 0 {
		parts = append(parts, fmt.Sprintf("%d not done", s.fail))
	}
	return strings.Join(parts, ", ") + "."
}

// answer goes back to the list with a toast when all went well, else shows what became of each.
func (s *outcomes) answer(c *Ctx, back string) error {
	if len(s.rows) == 1 && s.fail == 0 && s.rows[0].Why != "" {
		return c.offered(s.undo, s.rows[0].Why, back)
	}
	if s.fail == 0 {
		return c.offered(s.undo, s.said(), back)
	}
	v := ui.OutcomeView{Title: s.said(), Sub: "What could be done is done. The others are as they were, and this says why.", Back: back, Rows: s.rows, Undo: c.keep(s.undo)}
	return c.Render(Page{Title: "What became of it"}, ui.OutcomePage(v))
}

// OfferUndo puts a toast with a button that takes back what was just done on the next page.
func (c *Ctx) OfferUndo(was Inverse, o object.Object, format string, args ...any) {
	was.Kind, was.ID, was.Key = o.Ref.Kind, o.Ref.ID, o.Key()
	if to := c.keep([]Inverse{was}); to != "" {
		c.Offer("Undo", to, format, args...)
		return
	}
	c.Say(format, args...)
}

func (c *Ctx) offered(undo []Inverse, said, back string) error {
	if to := c.keep(undo); to != "" {
		c.Offer("Undo", to, "%s", said)
	} else {
		c.Say("%s", said)
	}
	return c.See(back)
}

// keep stores what would take it back, and is the address to post to; "" when there is nothing or it cannot be kept.
func (c *Ctx) keep(undo []Inverse) string {
	if len(undo) == 0 || c.rt.cfg.Undo == nil || c.Viewer.PersonID == "" {
		return ""
	}
	body, err := json.Marshal(kept{undo})
	if err == nil {
		var id string
		if id, err = c.rt.cfg.Undo.Keep(c.Context(), c.Viewer.PersonID, body); err == nil {
			return "/undo/" + id
		}
	}
	c.rt.cfg.Log.WarnContext(c.Context(), "what would undo an act was not kept", "err", err)
	return ""
}

type kept struct {
	Steps []Inverse `json:"steps"`
}

// undo takes back what a toast offered to.
func (rt *Router) undo(c *Ctx) error {
	if rt.cfg.Undo == nil || c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.NotFound, "There is nothing to undo.")
	}
	body, err := rt.cfg.Undo.Take(c.Context(), c.Viewer.PersonID, c.Path("id"))
	if err != nil {
		return err
	}
	var was kept
	if err := json.Unmarshal(body, &was); err != nil {
		return fmt.Errorf("reading what was kept to undo: %w", err)
	}
	rows := outcomes{word: "taken back"}
	for _, step := range was.Steps {
		inv, ok := rt.inverses[step.Act]
		if !ok {
			return fmt.Errorf("nothing undoes %q", step.Act)
		}
		rows.one(c, step.Kind, step.ID, inv.perm, func(o object.Object) (Did, error) { return inv.do(c, o, step) })
	}
	back := "/"
	if from, err := url.Parse(c.R.Referer()); err == nil && from.Path != "" {
		back = from.RequestURI()
	}
	return rows.answer(c, Local(back))
}
