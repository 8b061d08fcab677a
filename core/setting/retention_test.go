package setting_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func TestAges(t *testing.T) {
	t.Parallel()
	for text, days := range map[string]int{"400d": 400, "2w": 14, "2y": 730, "forever": 0} {
		if d, err := setting.ParseAge(text); err != nil || d != time.Duration(days)*24*time.Hour {
			t.Errorf("%s is %s (%v)", text, d, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "0d", "400", "5h", "9999999999d", "1000y"} {
		if d, err := setting.ParseAge(text); err == nil {
			t.Errorf("%q is %s", text, d)
		}
	}
	wrong := setting.Retention{Alerts: "1d", Inbox: "soon", Facts: map[string]string{"journal.*": "400d", "nothing.*": "400d", "page.*": "3d", "page.opened": "90d"}}
	fields := mainstay.ErrorFields(wrong.Check())
	for _, name := range []string{"alerts", "inbox", "facts.journal.*", "facts.nothing.*", "facts.page.*"} {
		if fields[name] == "" {
			t.Errorf("%s has no fault: %v", name, fields)
		}
	}
	if len(fields) != 5 {
		t.Errorf("the faults are %v", fields)
	}
}

// TestWhatAProjectKeeps: its own word counts, then the installation's, then the default; a hold of either holds.
func TestWhatAProjectKeeps(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s := setting.New(settingdb.New(e.DB, e.Saver), e.Clock)
		ctx, by := t.Context(), mainstay.System("test")
		define := func(project string, r setting.Retention) bool {
			t.Helper()
			changed, err := s.DefineRetention(ctx, by, project, "default", r)
			if err != nil {
				t.Fatal(err)
			}
			return changed
		}
		define("", setting.Retention{Alerts: "100d", Facts: map[string]string{"page.*": "90d"}})
		if spec := (setting.Retention{Inbox: "3d", Facts: map[string]string{"incident.*": "800d"}}); !define("p", spec) || define("p", spec) {
			t.Error("the second time something changed, or the first time nothing")
		}
		kept, err := s.Kept(ctx, "p")
		if err != nil || kept.Alerts != "100d" || kept.Inbox != "3d" || kept.Deliveries != "400d" || kept.Age("files") != setting.Forever || kept.Hold != "" {
			t.Errorf("p keeps %+v (%v)", kept, err)
		}
		rules := kept.FactRules()
		if len(rules) != 2 || rules[1].Pattern != "page.*" || !slices.Contains(rules[1].Kinds(), "page.opened") || slices.Contains(rules[1].Kinds(), "incident.declared") {
			t.Errorf("its rules are %+v", rules)
		}
		define("p", setting.Retention{Hold: "the case of 17 March"})
		define("p", setting.Retention{})
		define("", setting.Retention{Hold: "all of it"})
		if kept, err := s.Kept(ctx, "p"); err != nil || kept.Hold != "all of it" || kept.Inbox != "7d" {
			t.Errorf("p keeps %+v (%v)", kept, err)
		}
		held := 0
		for _, project := range []string{"p", mainstay.Installation} {
			held += len(e.Facts(t, project, "retention.held"))
		}
		if held != 3 {
			t.Errorf("of %d holds the facts speak", held)
		}
	}, settingdb.Migrations())
}
