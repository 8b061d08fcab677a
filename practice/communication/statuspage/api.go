package statuspage

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/mainstayhq/mainstay/practice/communication"
)

// The shapes of the Statuspage v2 read API. Clients are strict: no field is ever left out, and what has no value is null.

type apiTime time.Time

// MarshalJSON writes milliseconds and an offset, and null for no time.
func (t apiTime) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + time.Time(t).Format("2006-01-02T15:04:05.000Z07:00") + `"`), nil
}

type apiPage struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	URL       string  `json:"url"`
	TimeZone  string  `json:"time_zone"`
	UpdatedAt apiTime `json:"updated_at"`
}

type apiStatus struct {
	Indicator   string `json:"indicator"`
	Description string `json:"description"`
}

type apiComponent struct {
	ID                 string   `json:"id"`
	Name               string   `json:"name"`
	Status             string   `json:"status"`
	CreatedAt          apiTime  `json:"created_at"`
	UpdatedAt          apiTime  `json:"updated_at"`
	Position           int      `json:"position"`
	Description        *string  `json:"description"`
	Showcase           bool     `json:"showcase"`
	StartDate          *string  `json:"start_date"`
	GroupID            *string  `json:"group_id"`
	PageID             string   `json:"page_id"`
	Group              bool     `json:"group"`
	OnlyShowIfDegraded bool     `json:"only_show_if_degraded"`
	Components         []string `json:"components,omitempty"` // of a group
}

type apiAffected struct {
	Code      string `json:"code"`
	Name      string `json:"name"`
	OldStatus string `json:"old_status"`
	NewStatus string `json:"new_status"`
}

type apiUpdate struct {
	ID                   string        `json:"id"`
	Status               string        `json:"status"`
	Body                 string        `json:"body"`
	IncidentID           string        `json:"incident_id"`
	CreatedAt            apiTime       `json:"created_at"`
	UpdatedAt            apiTime       `json:"updated_at"`
	DisplayAt            apiTime       `json:"display_at"`
	AffectedComponents   []apiAffected `json:"affected_components"`
	DeliverNotifications bool          `json:"deliver_notifications"`
	CustomTweet          *string       `json:"custom_tweet"`
	TweetID              *string       `json:"tweet_id"`
}

type apiIncident struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Status          string         `json:"status"`
	CreatedAt       apiTime        `json:"created_at"`
	UpdatedAt       apiTime        `json:"updated_at"`
	MonitoringAt    apiTime        `json:"monitoring_at"`
	ResolvedAt      apiTime        `json:"resolved_at"`
	Impact          string         `json:"impact"`
	Shortlink       string         `json:"shortlink"`
	StartedAt       apiTime        `json:"started_at"`
	PageID          string         `json:"page_id"`
	IncidentUpdates []apiUpdate    `json:"incident_updates"`
	Components      []apiComponent `json:"components"`
}

type apiMaintenance struct {
	apiIncident
	ScheduledFor   apiTime `json:"scheduled_for"`
	ScheduledUntil apiTime `json:"scheduled_until"`
}

type apiSummary struct {
	Page                  apiPage          `json:"page"`
	Components            []apiComponent   `json:"components"`
	Incidents             []apiIncident    `json:"incidents"`
	ScheduledMaintenances []apiMaintenance `json:"scheduled_maintenances"`
	Status                apiStatus        `json:"status"`
}

type apiComponents struct {
	Page       apiPage        `json:"page"`
	Components []apiComponent `json:"components"`
}

type apiIncidents struct {
	Page      apiPage       `json:"page"`
	Incidents []apiIncident `json:"incidents"`
}

type apiMaintenances struct {
	Page                  apiPage          `json:"page"`
	ScheduledMaintenances []apiMaintenance `json:"scheduled_maintenances"`
}

type apiState struct {
	Page   apiPage   `json:"page"`
	Status apiStatus `json:"status"`
}

// latest is how many incidents and windows the API and the feeds list.
const latest = 50

// api makes the files under /api/v2.
func (v *view) api() map[string]any {
	page := v.apiPage()
	components := v.apiComponents(nil)
	unresolved, all := []apiIncident{}, []apiIncident{}
	for _, i := range v.site.Incidents {
		one := v.apiIncident(i)
		if i.Status != communication.Resolved {
			unresolved = append(unresolved, one)
		}
		if len(all) < latest {
			all = append(all, one)
		}
	}
	upcoming, active, windows := []apiMaintenance{}, []apiMaintenance{}, []apiMaintenance{}
	for _, w := range v.site.Windows {
		one := v.apiMaintenance(w)
		switch {
		case w.Active():
			active = append(active, one)
		case w.Upcoming():
			upcoming = append(upcoming, one)
		}
		if len(windows) < latest {
			windows = append(windows, one)
		}
	}
	slices.Reverse(upcoming) // the nearest first
	status := v.status()
	return map[string]any{
		"summary":                         apiSummary{page, components, unresolved, slices.Concat([]apiMaintenance{}, active, upcoming), status},
		"status":                          apiState{page, status},
		"components":                      apiComponents{page, components},
		"incidents":                       apiIncidents{page, all},
		"incidents/unresolved":            apiIncidents{page, unresolved},
		"scheduled-maintenances":          apiMaintenances{page, windows},
		"scheduled-maintenances/upcoming": apiMaintenances{page, upcoming},
		"scheduled-maintenances/active":   apiMaintenances{page, active},
	}
}

func (v *view) apiPage() apiPage {
	return apiPage{ID: v.page.ID, Name: v.page.Name, URL: v.page.URL, TimeZone: v.zoneName(), UpdatedAt: v.time(v.changed)}
}

// time is a time in the page's zone.
func (v *view) time(t time.Time) apiTime {
	if t.IsZero() {
		return apiTime{}
	}
	return apiTime(t.In(v.zone))
}

// apiComponents lists all components, or those with the given ids in that order.
func (v *view) apiComponents(only []string) []apiComponent {
	list := []apiComponent{}
	if only == nil {
		for _, c := range v.site.Components {
			list = append(list, v.apiComponent(c))
		}
		return list
	}
	for _, id := range only {
		if c, ok := v.components[id]; ok {
			list = append(list, v.apiComponent(c))
		}
	}
	return list
}

func (v *view) apiComponent(c communication.Component) apiComponent {
	a := apiComponent{
		ID: c.ID, Name: c.Title, Status: string(c.State()), CreatedAt: v.time(c.CreatedAt), UpdatedAt: v.time(c.UpdatedAt),
		Position: c.Position, Description: orNull(c.Description), Showcase: c.Showcase, GroupID: orNull(c.Group), PageID: v.page.ID,
		Group: c.IsGroup, OnlyShowIfDegraded: c.OnlyIfDegraded,
	}
	if !c.Since.IsZero() {
		a.StartDate = orNull(c.Since.Format(time.DateOnly))
	}
	if c.IsGroup {
		a.Components = []string{}
		for _, m := range v.site.Components {
			if m.Group == c.ID {
				a.Components = append(a.Components, m.ID)
			}
		}
	}
	return a
}

// MarshalJSON lists the members of every group, even of an empty one, and nothing for a component.
func (a apiComponent) MarshalJSON() ([]byte, error) {
	type plain apiComponent
	if !a.Group {
		return json.Marshal(plain(a))
	}
	return json.Marshal(struct {
		plain
		Components []string `json:"components"`
	}{plain(a), a.Components})
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (v *view) apiIncident(i communication.PublicIncident) apiIncident {
	a := apiIncident{
		ID: i.ID, Name: i.Name, Status: string(i.Status), CreatedAt: v.time(i.CreatedAt), UpdatedAt: v.time(i.UpdatedAt),
		MonitoringAt: v.time(i.MonitoringAt), ResolvedAt: v.time(i.ResolvedAt), Impact: string(i.Impact), Shortlink: v.link("/incidents/" + i.ID),
		StartedAt: v.time(i.StartedAt), PageID: v.page.ID, Components: v.apiComponents(append([]string{}, i.Components...)),
	}
	a.IncidentUpdates = v.apiUpdates(i.Updates, func(s string) string { return s })
	return a
}

func (v *view) apiUpdates(updates []communication.PublicUpdate, word func(string) string) []apiUpdate {
	list := []apiUpdate{}
	for _, u := range updates {
		one := apiUpdate{
			ID: u.ID, Status: word(u.Status), Body: u.Body, IncidentID: u.Of, CreatedAt: v.time(u.At), UpdatedAt: v.time(u.At),
			DisplayAt: v.time(u.At), DeliverNotifications: true,
		}
		for _, c := range u.Affected {
			one.AffectedComponents = append(one.AffectedComponents,
				apiAffected{Code: c.Component, Name: c.Name, OldStatus: string(c.Old), NewStatus: string(c.New)})
		}
		list = append(list, one)
	}
	return list
}

// apiMaintenance says a window as clients know it: they have no word for cancelled, so a cancelled one is completed, and its
// last update says that it did not take place.
func (v *view) apiMaintenance(w communication.PublicWindow) apiMaintenance {
	word := func(s string) string {
		if s == "cancelled" {
			return "completed"
		}
		return s
	}
	a := apiMaintenance{apiIncident: apiIncident{
		ID: w.ID, Name: w.Name, Status: word(w.Status), CreatedAt: v.time(w.CreatedAt), UpdatedAt: v.time(w.UpdatedAt),
		ResolvedAt: v.time(w.EndedAt), Impact: string(communication.ImpactMaintenance), Shortlink: v.link("/maintenances/" + w.ID),
		StartedAt: v.time(w.From), PageID: v.page.ID, Components: v.apiComponents(append([]string{}, w.Components...)),
	}, ScheduledFor: v.time(w.From), ScheduledUntil: v.time(w.Until)}
	if !w.StartedAt.IsZero() {
		a.StartedAt = v.time(w.StartedAt)
	}
	a.IncidentUpdates = v.apiUpdates(w.Updates, word)
	return a
}

// status is the state of the whole, as the words of status pages have it. Maintenance alone is no trouble: indicator none.
func (v *view) status() apiStatus {
	worst, under := communication.ImpactNone, false
	for _, c := range v.site.Components {
		worst = worst.Worse(communication.ImpactOf(c.State()))
		under = under || c.State() == communication.UnderMaintenance
	}
	for _, i := range v.site.Incidents {
		if i.Status != communication.Resolved {
			worst = worst.Worse(i.Impact)
		}
	}
	for _, w := range v.site.Windows {
		under = under || w.Active()
	}
	says := map[communication.Impact]string{
		communication.ImpactNone: "All Systems Operational", communication.ImpactMinor: "Minor Service Outage",
		communication.ImpactMajor: "Partial System Outage", communication.ImpactCritical: "Major Service Outage",
	}[worst]
	if worst == communication.ImpactNone && under {
		says = "Service Under Maintenance"
	}
	return apiStatus{Indicator: string(worst), Description: says}
}
