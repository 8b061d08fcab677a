package ui_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/web/ui"
)

var now = time.Date(2026, 3, 17, 2, 14, 20, 0, time.UTC)

func TestTimesAreSaidAsPeopleDo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		d          time.Duration
		ago, count string
	}{
		{0, "just now", "0:00"},
		{-29 * time.Second, "just now", "−0:29"},
		{-31 * time.Second, "31 s ago", "−0:31"},
		{-65 * time.Second, "1 min ago", "−1:05"},
		{160 * time.Second, "in 2 min", "2:40"},
		{10 * time.Second, "in seconds", "0:10"},
		{-99 * time.Minute, "99 min ago", "−1 h 39"},
		{-3 * time.Hour, "3 h ago", "−3 h 00"},
		{5*time.Hour + 5*time.Minute, "in 5 h", "5 h 05"},
		{-50 * time.Hour, "2 days ago", "−2 days"},
		{-100 * 24 * time.Hour, "3 months ago", "−100 days"},
		{-800 * 24 * time.Hour, "2 years ago", "−800 days"},
	} {
		if got := ui.Ago(now, now.Add(tc.d)); got != tc.ago {
			t.Errorf("Ago(%s) = %q, want %q", tc.d, got, tc.ago)
		}
		if got := ui.Count(tc.d); got != tc.count {
			t.Errorf("Count(%s) = %q, want %q", tc.d, got, tc.count)
		}
	}
}

func TestATitleSaysTheTimeInBothZones(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	ctx := ui.WithClock(t.Context(), now, berlin)
	for _, tc := range []struct {
		ctx  context.Context
		want string
	}{
		{ctx, `title="Tue 17 Mar 2026 02:51:20 CET"`},
		{ui.WithProjectZone(ctx, tokyo), `title="Tue 17 Mar 2026 02:51:20 CET, 10:51 JST for the project"`},
		{ui.WithProjectZone(ctx, berlin), `title="Tue 17 Mar 2026 02:51:20 CET"`},
	} {
		var out strings.Builder
		if err := ui.Since(now.Add(-23*time.Minute)).Render(tc.ctx, &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), tc.want) || !strings.Contains(out.String(), ">23 min<") {
			t.Errorf("%s, want %s", out.String(), tc.want)
		}
	}
}

func TestAStateHasShapeWordAndColour(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]ui.State{
		`#s-crit`: ui.Crit("firing"), `#s-quiet`: ui.Muted("suppressed").As("quiet"), `#s-good`: ui.Good("resolved"),
	} {
		var out strings.Builder
		if err := ui.Chip(s).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); !strings.Contains(got, want) || !strings.Contains(got, s.Word) || !strings.Contains(got, `class="st `+string(s.Tone)) {
			t.Errorf("%s", got)
		}
	}
}

func TestInitials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Ana Ruiz": "AR", "ana": "AN", "Jean-Luc van Damme": "JD", "": "", "Ö": "Ö", "李 雷": "李雷"} {
		if got := ui.Initials(name); got != want {
			t.Errorf("Initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestTextIsEscaped(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := ui.Textf("%s", "<b>&").Render(t.Context(), &out); err != nil || out.String() != "&lt;b&gt;&amp;" {
		t.Fatal(out.String(), err)
	}
}
