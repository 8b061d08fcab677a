package people_test

import (
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
)

func place(t *testing.T, name string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDigestsComeByTheWallClock asks for the next digest around the changes of clocks of Berlin: on 29 March 2026 there is no half past
// two, on 25 October it comes twice.
func TestDigestsComeByTheWallClock(t *testing.T) {
	t.Parallel()
	loc := place(t, "Europe/Berlin")
	for name, c := range map[string]struct {
		digest people.Digest
		weekly bool
		now    string // UTC
		want   string // Berlin
	}{
		"later today":                    {people.Digest{At: "07:30"}, false, "2026-01-05T05:00:00Z", "Mon 2026-01-05 07:30 CET"},
		"tomorrow":                       {people.Digest{At: "07:30"}, false, "2026-01-05T06:30:00Z", "Tue 2026-01-06 07:30 CET"},
		"the default is eight":           {people.Digest{}, false, "2026-01-05T06:30:00Z", "Mon 2026-01-05 08:00 CET"},
		"over the leap forward":          {people.Digest{At: "07:30"}, false, "2026-03-28T06:30:00Z", "Sun 2026-03-29 07:30 CEST"},
		"a reading that is skipped":      {people.Digest{At: "02:30"}, false, "2026-03-28T06:30:00Z", "Sun 2026-03-29 03:00 CEST"},
		"a reading that comes twice":     {people.Digest{At: "02:30"}, false, "2026-10-24T06:30:00Z", "Sun 2026-10-25 02:30 CEST"},
		"not once more an hour later":    {people.Digest{At: "02:30"}, false, "2026-10-25T00:30:00Z", "Mon 2026-10-26 02:30 CET"},
		"weekly, on Monday by itself":    {people.Digest{}, true, "2026-01-06T06:30:00Z", "Mon 2026-01-12 08:00 CET"},
		"weekly on the same day, later":  {people.Digest{Day: "tue", At: "09:00"}, true, "2026-01-06T06:30:00Z", "Tue 2026-01-06 09:00 CET"},
		"weekly on the same day, passed": {people.Digest{Day: "tue", At: "07:30"}, true, "2026-01-06T06:30:00Z", "Tue 2026-01-13 07:30 CET"},
		"weekly over the change":         {people.Digest{Day: "mon", At: "07:30"}, true, "2026-03-23T06:30:00Z", "Mon 2026-03-30 07:30 CEST"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.digest.Next(c.weekly, now, loc).In(loc).Format("Mon 2006-01-02 15:04 MST"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestQuietHoursEndWhenTheyEnd(t *testing.T) {
	t.Parallel()
	loc := place(t, "Europe/Berlin")
	night, day := people.Quiet{From: "22:00", To: "07:00"}, people.Quiet{From: "12:00", To: "13:00"}
	weekend := people.Quiet{From: "22:00", To: "07:00", Weekends: true}
	for name, c := range map[string]struct {
		quiet     people.Quiet
		now, want string // Berlin; "" when it is not quiet
	}{
		"by day":                     {night, "2026-01-07 15:00", ""},
		"just before":                {night, "2026-01-07 21:59", ""},
		"at the beginning":           {night, "2026-01-07 22:00", "2026-01-08 07:00"},
		"after midnight":             {night, "2026-01-08 03:00", "2026-01-08 07:00"},
		"at the end":                 {night, "2026-01-08 07:00", ""},
		"at noon":                    {day, "2026-01-08 12:30", "2026-01-08 13:00"},
		"none":                       {people.Quiet{}, "2026-01-08 03:00", ""},
		"Friday night":               {weekend, "2026-01-09 23:00", "2026-01-12 07:00"},
		"Saturday":                   {weekend, "2026-01-10 12:00", "2026-01-12 07:00"},
		"Sunday night":               {weekend, "2026-01-11 23:00", "2026-01-12 07:00"},
		"weekends alone":             {people.Quiet{Weekends: true}, "2026-01-10 12:00", "2026-01-12 00:00"},
		"over the leap forward":      {night, "2026-03-28 23:00", "2026-03-29 07:00"},
		"over the change in autumn":  {night, "2026-10-24 23:00", "2026-10-25 07:00"},
		"an end that is skipped":     {people.Quiet{From: "22:00", To: "02:30"}, "2026-03-28 23:00", "2026-03-29 03:00"},
		"always, but for one minute": {people.Quiet{From: "00:00", To: "23:59"}, "2026-01-08 12:00", "2026-01-08 23:59"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, loc)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if until := c.quiet.Until(now, loc); !until.IsZero() {
			got = until.In(loc).Format("2006-01-02 15:04")
		}
		if got != c.want {
			t.Errorf("%s: quiet until %q, want %q", name, got, c.want)
		}
	}
}

func TestFaultyPreferencesNameTheField(t *testing.T) {
	t.Parallel()
	for field, p := range map[string]people.Preferences{
		"preferences.pageOrder": {PageOrder: []people.Channel{"pigeon"}},
		"preferences.order":     {Order: []people.Channel{people.Email, people.Email}},
		"preferences.topics":    {Topics: map[string][]string{"weather": {"email"}}},
		"preferences.quiet":     {Quiet: people.Quiet{From: "22:00"}},
		"preferences.digest":    {Digest: people.Digest{At: "noon"}},
	} {
		x := people.Person{Name: "ana", FullName: "Ana", Zone: "UTC", Language: "en", Preferences: p}
		if mainstay.ErrorFields(x.Validate())[field] == "" {
			t.Errorf("%s: %v", field, x.Validate())
		}
	}
	for name, topics := range map[string]map[string][]string{
		"two that stand alone": {"action": {"digest", "email"}}, "no channel": {"action": {"pigeon"}},
	} {
		x := people.Person{Name: "ana", FullName: "Ana", Zone: "UTC", Language: "en", Preferences: people.Preferences{Topics: topics}}
		if x.Validate() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestForgettingFindsNamesAsWords(t *testing.T) {
	t.Parallel()
	f := people.Forget{Pseudonym: "former-1", Names: []string{"Ana Ruiz", "@ana", "person:ana"}, Addresses: []string{"ana@example.com"}}
	for text, want := range map[string]string{
		"Ask Ana Ruiz.":                      "Ask A former member.",
		"Ana Ruizmann did it":                "Ana Ruizmann did it",
		"DiAna Ruiz":                         "DiAna Ruiz",
		"banana":                             "banana",
		"mail ANA@example.COM now":           "mail (erased address) now",
		"cc @ana, @anastasia":                "cc former-1, @anastasia",
		"person:ana person:anabel":           "former-1 person:anabel",
		"Ana Ruiz and Ana Ruiz":              "A former member and A former member",
		"550 no such user <ana@example.com>": "550 no such user <(erased address)>",
	} {
		if got, changed := f.Text(text); got != want || changed != (got != text) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	got, changed := f.JSON([]byte(`{"a":["Ana Ruiz",12345678901234567],"b":{"c":"x"},"Ana Ruiz":true}`))
	if want := `{"Ana Ruiz":true,"a":["A former member",12345678901234567],"b":{"c":"x"}}`; !changed || string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if raw, changed := f.JSON([]byte(`{"b": 1}`)); changed || string(raw) != `{"b": 1}` {
		t.Errorf("%s changed", raw)
	}
}
