package people

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/calendar"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/timer"
)

// DigestTemplate is the name of the template of a digest; its data is a Summary.
const DigestTemplate = "digest"

// Summary is what a digest tells: the data of its notice.
type Summary struct {
	Name     string    `json:"name"`             // of the reader
	Weekly   bool      `json:"weekly,omitempty"` //
	From     time.Time `json:"from"`             // what is coming is counted from here
	Until    time.Time `json:"until"`
	Sections []Section `json:"sections,omitempty"`
	URL      string    `json:"url,omitempty"` // where digests are chosen
}

// Section is one group of lines of a digest, such as "Actions".
type Section struct {
	Title string `json:"title"`
	Lines []Line `json:"lines"`
	More  int    `json:"more,omitempty"` // so many that are not listed
}

// Line is one thing in a digest.
type Line struct {
	Text string    `json:"text"`
	URL  string    `json:"url,omitempty"` // path of its page
	At   time.Time `json:"at,omitzero"`   // when it is due or begins
	Note string    `json:"note,omitempty"`
}

// mostLines bounds a section.
const mostLines = 20

// Cut bounds the lines of a section, and says how many it left out.
func (s Section) Cut() Section {
	if n := len(s.Lines) - mostLines; n > 0 {
		s.Lines, s.More = s.Lines[:mostLines], s.More+n
	}
	return s
}

// Matters answers what is a person's own between two times: due actions, shifts, incidents. Sections without lines are left out.
type Matters interface {
	Matters(ctx context.Context, p Person, from, until time.Time) ([]Section, error)
}

// Timers are the handlers of the timers of people.
func (s *Service) Timers() map[string]timer.Handler {
	return map[string]timer.Handler{
		TimerDaily:  func(ctx context.Context, f timer.Firing) error { return s.digest(ctx, f, false) },
		TimerWeekly: func(ctx context.Context, f timer.Firing) error { return s.digest(ctx, f, true) },
	}
}

// digest sends one digest and arms the next. When the server was down at its time it comes late, once, and never twice for a day.
func (s *Service) digest(ctx context.Context, f timer.Firing, weekly bool) error {
	p, err := s.ByID(ctx, f.Subject)
	if mainstay.Is(err, mainstay.NotFound) {
		return nil
	}
	d := p.Preferences.Digest
	if err != nil || !p.Active() || weekly && !d.Weekly || !weekly && !d.Daily {
		return err
	}
	set := p.digests(f.Now) // both: the other one's stays where it is
	x := Summary{Name: p.FullName, Weekly: weekly, From: f.Now, Until: f.Now.Add(24 * time.Hour), URL: "/me/preferences"}
	if weekly {
		x.Until = f.Now.Add(7 * 24 * time.Hour)
	}
	if s.cfg.Matters != nil {
		if x.Sections, err = s.cfg.Matters.Matters(ctx, p, x.From, x.Until); err != nil {
			return fmt.Errorf("gathering the digest of %s: %w", p.ID, err)
		}
	}
	if len(x.Sections) > 0 || d.Empty {
		set.Notices = append(set.Notices, digestNotice(p, x, f))
	}
	return s.cfg.Store.Save(ctx, set)
}

func digestNotice(p Person, x Summary, f timer.Firing) commit.Notice {
	data, err := json.Marshal(x)
	if err != nil {
		panic(err) // the struct holds nothing that cannot be written
	}
	return commit.Notice{
		Key:     fmt.Sprintf("%s/%s/%s", f.Kind, p.ID, calendar.DateOf(f.Due.In(p.Location()))),
		Project: mainstay.Installation, Subject: p.Ref(), Person: p.ID, Template: DigestTemplate, Data: data, At: f.Now,
	}
}

// SummaryOf is the digest that the person would get now.
func (s *Service) SummaryOf(ctx context.Context, person string, weekly bool) (Summary, error) {
	p, err := s.ByID(ctx, person)
	if err != nil {
		return Summary{}, err
	}
	now := s.cfg.Time.Now()
	x := Summary{Name: p.FullName, Weekly: weekly, From: now, Until: now.Add(24 * time.Hour)}
	if weekly {
		x.Until = now.Add(7 * 24 * time.Hour)
	}
	if s.cfg.Matters != nil {
		x.Sections, err = s.cfg.Matters.Matters(ctx, p, x.From, x.Until)
	}
	return x, err
}
