package heartbeat

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/intake"
)

func request(path, query, kind, body string) *intake.Request {
	q, _ := url.ParseQuery(query)
	return &intake.Request{Method: "POST", Path: path, Query: q, Type: kind, Body: []byte(body)}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, query, kind, body string
		want                    intake.Beat
		fault                   string
	}{
		{"", "", "", "", intake.Beat{Name: "heartbeat"}, ""},
		{"/", "every=90s", "", "", intake.Beat{Name: "heartbeat", Every: 90 * time.Second}, ""},
		{"/nightly/backup/", "every=1d12h&status=ok", "", "", intake.Beat{Name: "nightly/backup", Every: 36 * time.Hour}, ""},
		{"/b", "status=fail&message=disk", "", "", intake.Beat{Name: "b", Fail: true, Message: "disk"}, ""},
		{"/b", "status=137", "text/plain", "killed\n", intake.Beat{Name: "b", Fail: true, Message: "killed"}, ""},
		{"/b", "status=0", "", "", intake.Beat{Name: "b"}, ""},
		{"/b", "", "application/x-www-form-urlencoded", "status=down&every=5m", intake.Beat{Name: "b", Fail: true, Every: 5 * time.Minute}, ""},
		{"/b", "every=9s", "", "", intake.Beat{}, "every="},
		{"/b", "every=500d", "", "", intake.Beat{}, "every="},
		{"/b", "every=-5m", "", "", intake.Beat{}, "every="},
		{"/b", "status=256", "", "", intake.Beat{}, "status"},
		{"/\x00", "", "", "", intake.Beat{}, "name"},
		{"/" + strings.Repeat("n", 201), "", "", "", intake.Beat{}, "name"},
	} {
		got, err := Read(request(c.path, c.query, c.kind, c.body))
		if c.fault == "" && (err != nil || got != c.want) || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%q?%s: %+v, %v; want %+v, %q", c.path, c.query, got, err, c.want, c.fault)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("/backup", "every=1d2h&status=fail", "", "text")
	f.Add("/", "", "application/x-www-form-urlencoded", "status=1&message=%ff")
	f.Fuzz(func(t *testing.T, path, query, kind, body string) {
		b, err := Read(request(path, query, kind, body))
		if err == nil && (b.Name == "" || b.Every != 0 && (b.Every < Shortest || b.Every > Longest) || len(b.Message) > maxMessage) {
			t.Fatalf("%+v", b)
		}
	})
}
