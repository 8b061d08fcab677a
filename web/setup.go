package web

import (
	"context"
	"net/http"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Setup is the first-run assistant: the steps from an empty installation to a first page that the viewer sent to themselves. app
// answers what each step found and does what it asks for. Each step may be done again without doing it twice, or skipped.
type Setup interface {
	// Steps says how far everything is.
	Steps(ctx context.Context, v access.Viewer) ([]ui.SetupStep, error)
	// Do takes one step, with the values of its form. Faults are shown at the fields.
	Do(ctx context.Context, v access.Viewer, step string, values map[string]string) (said string, err error)
}

// setupRoutes adds the pages of the assistant.
func (rt *Router) setupRoutes() {
	if rt.cfg.Setup == nil {
		return
	}
	rt.Handle(Route{Method: http.MethodGet, Pattern: "/welcome", Permission: access.SettingManage}, func(c *Ctx) error {
		return rt.welcome(c, "", nil, nil, 0)
	})
	rt.Handle(Route{Method: http.MethodPost, Pattern: "/welcome/{step}", Permission: access.SettingManage}, func(c *Ctx) error {
		step, values := c.Path("step"), map[string]string{}
		for name := range c.R.PostForm {
			values[name] = c.Form(name)
		}
		said, err := rt.cfg.Setup.Do(c.Context(), c.Viewer, step, values)
		if faults := mainstay.ErrorFields(err); faults != nil {
			return rt.welcome(c, step, values, faults, http.StatusUnprocessableEntity)
		}
		if err != nil {
			return err
		}
		if said != "" {
			c.Say("%s", said)
		}
		if step == "finish" {
			return c.See("/")
		}
		return c.See("/welcome")
	})
}

// welcome shows the steps; the one whose form was wrong with what was typed.
func (rt *Router) welcome(c *Ctx, step string, values, faults map[string]string, status int) error {
	if c.Viewer.PersonID == "" {
		return mainstay.Errorf(mainstay.Denied, "The assistant sends a page to the person who uses it; a token is none. Sign in as a person.")
	}
	steps, err := rt.cfg.Setup.Steps(c.Context(), c.Viewer)
	if err != nil {
		return err
	}
	v := ui.SetupView{Steps: steps}
	for i := range steps {
		s := &steps[i]
		if s.Word == step {
			s.Open, s.Faults = true, faults
			for j := range s.Fields {
				f := &s.Fields[j]
				if typed, ok := values[f.Name]; ok {
					f.Value = typed
				}
				f.Fault = faults[f.Name]
			}
		}
		if s.Done || s.Skipped {
			v.Done++
		} else if v.Now == "" {
			v.Now, s.Open = s.Word, true
		}
	}
	return c.Render(Page{Title: "Set up Mainstay", Status: status, Crumbs: []Crumb{{Text: "Set up"}}}, ui.SetupPage(v))
}
