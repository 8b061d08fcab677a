package app_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// TestRetentionPages: what a project keeps is set by who manages it, what all keep by an administrator; a wrong age is told beside its
// field, and what was typed stays.
func TestRetentionPages(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, aging+personYAML("mia", "manager", "shop"))
		ana, mia := s.As(t, "ana"), s.As(t, "mia")
		form := url.Values{"alerts": {"5d"}, "inbox": {"3d"}, "facts": {"page.* 90d\nnothing.* 90d"}, "hold": {""}}
		bad := mia.Post(t, "/projects/shop/retention", form)
		if bad.Status != 422 || !strings.Contains(bad.Body, "at least 30 days") || !strings.Contains(bad.Body, "no kind of facts") || !strings.Contains(bad.Body, "nothing.* 90d") {
			t.Errorf("a wrong form answers %d", bad.Status)
		}
		form = url.Values{"alerts": {"50d"}, "facts": {"page.*: 90d"}, "hold": {"the case of 17 March"}}
		if a := mia.Post(t, "/projects/shop/retention", form); a.Status != 303 {
			t.Fatalf("it answers %d %.300s", a.Status, a.Body)
		}
		shop, err := s.Projects.ProjectID(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		kept, err := s.Settings.Kept(t.Context(), shop)
		if err != nil || kept.Alerts != "50d" || kept.Inbox != "7d" || kept.Facts["page.*"] != "90d" || kept.Hold == "" {
			t.Errorf("it keeps %+v (%v)", kept, err)
		}
		for path, says := range map[string]string{"/projects/shop/retention": "the case of 17 March", "/projects/shop": "Legal hold", "/admin/retention": "held"} {
			if page := ana.Get(t, path); page.Status != 200 || !strings.Contains(page.Body, says) {
				t.Errorf("%s answers %d without %q", path, page.Status, says)
			}
		}
		if a := mia.Get(t, "/admin/retention"); a.Status != 403 {
			t.Errorf("a manager of one project is shown what all keep: %d", a.Status)
		}
		if a := ana.Post(t, "/admin/retention", url.Values{"alerts": {"100d"}}); a.Status != 303 {
			t.Errorf("for all it answers %d", a.Status)
		}
		if all, err := s.Settings.Retention(t.Context(), mainstay.Installation); err != nil || all.Alerts != "100d" {
			t.Errorf("all keep %+v (%v)", all, err)
		}
		expectFinding(t, s.Config, "with a hold", "legal hold", "ok", "the case of 17 March")
	})
}
