package e2e

import "testing"

// TestAccessible looks at every page of the demonstration in a real Chromium, wide and narrow, light and dark: what can be operated
// has a name, texts stand out enough from what lies behind them, there is one heading of the first rank, nothing is wider than the
// screen.
func TestAccessible(t *testing.T) {
	t.Parallel()
	need(t, "browser")
	s, _ := startDemo(t)
	ana := s.signIn(t, "ana", "ana@harbour.example", "harbour-demo")
	pages := []string{
		"/", "/projects", "/projects/harbour", "/incidents", "/incidents?severity=sev-1", "/incidents/new", "/alerts", "/alerts?show=all", "/pages", "/pages?show=all",
		"/schedules", "/schedules/primary", "/schedules/new", "/policies", "/policies/new", "/routes", "/heartbeats", "/articles", "/articles/new", "/rootcauses",
		"/rootcauses?state=all", "/actions", "/actions/new", "/windows", "/windows/new", "/components", "/posts", "/plans", "/people", "/people/ana", "/teams", "/me",
		"/me/edit", "/me/notifications", "/me/notifications?show=all", "/me/notifications?show=deliveries", "/me/devices", "/mine", "/views", "/welcome", "/search?q=pay",
		"/admin", "/admin/keys", "/admin/journal", "/admin/notifications", "/offline",
	}
	for _, kind := range []string{"incidents", "alerts", "pages", "articles", "rootcauses", "actions", "windows"} {
		var list listOf[struct {
			Key    string `json:"key"`
			Number any    `json:"number"`
			ID     string `json:"id"`
		}]
		ana.api(t, "GET", "/"+kind+"?limit=1", nil, &list)
		if len(list.Items) > 0 {
			pages = append(pages, "/"+kind+"/"+list.Items[0].ID)
		}
	}
	t.Log(browse(t, "access.js", map[string]any{
		"url": "http://" + s.addr, "ana": map[string]string{"email": "ana@harbour.example", "password": "harbour-demo"}, "pages": pages,
	}))
}
