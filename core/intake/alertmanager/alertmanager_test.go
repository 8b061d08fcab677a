package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/intake"
)

var now = time.Date(2026, 3, 17, 3, 0, 0, 0, time.UTC)

// Each case of testdata/cases.txt is a body, then "=>", the reply's status and body, and one line per alert kept. The replies to
// the first part were read off a real Alertmanager.
func TestAnswersAsAlertmanager(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "cases.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	update := os.Getenv("UPDATE_GOLDEN") != ""
	var out strings.Builder
	for _, c := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n\n") {
		body, want, _ := strings.Cut(c, "\n=> ")
		unquoted := strings.NewReplacer(`<ff>`, "\xff").Replace(body)
		got := run(t, unquoted)
		fmt.Fprintf(&out, "%s\n=> %s\n\n", body, got)
		if !update && got != want {
			t.Errorf("%s\n got: %s\nwant: %s", body, got, want)
		}
	}
	if update {
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(out.String(), "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, body string) string {
	t.Helper()
	p := Format{}.Parse(&intake.Request{Method: "POST", Path: "/api/v2/alerts", Body: []byte(body), Now: now}, intake.Limits{})
	if len(p.Reply.Body) > 0 && !json.Valid(p.Reply.Body) {
		t.Errorf("%s: the reply is not JSON: %s", body, p.Reply.Body)
	}
	got := fmt.Sprintf("%d %s", p.Reply.Status, strings.TrimSpace(string(p.Reply.Body)))
	for _, s := range p.Signals {
		end := "timeout"
		if !s.EndsAt.IsZero() {
			end = s.EndsAt.Format(time.RFC3339Nano)
		}
		got += fmt.Sprintf("\n   %s %s %s %s %s", s.Labels.JSON(), s.Annotations.JSON(), s.StartsAt.Format(time.RFC3339Nano), end, s.GeneratorURL)
	}
	return strings.TrimSpace(got)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, `,"l%d":"v"`, i)
	}
	good := `{"labels":{"alertname":"Good"}}`
	for name, bad := range map[string]string{
		"10,000 labels": `{"labels":{"alertname":"Many"` + many.String() + `}}`,
		"65 notes":      `{"labels":{"a":"b"},"annotations":{"x":""` + many.String() + `}}`,
		"long name":     `{"labels":{"` + strings.Repeat("n", 1025) + `":"v"}}`,
		"long value":    `{"labels":{"n":"` + strings.Repeat("v", 8193) + `"}}`,
		"year 9999":     `{"labels":{"n":"v"},"startsAt":"9999-01-01T00:00:00Z"}`,
		"end in 9999":   `{"labels":{"n":"v"},"endsAt":"9998-12-31T23:59:59-01:00"}`,
		"not UTF-8":     "{\"labels\":{\"n\":\"v\xff\"}}",
	} {
		signals, err := Parse([]byte("["+bad+","+good+"]"), intake.Limits{}, now)
		var faulty *Faulty
		if !errors.As(err, &faulty) || len(faulty.Faults) != 1 || len(faulty.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
		if len(signals) != 1 || signals[0].Labels.Get("alertname") != "Good" {
			t.Errorf("%s: the good alert was not kept: %v", name, signals)
		}
	}
	if signals, err := Parse([]byte(`[{"labels":{"n":"`+strings.Repeat("v", 8192)+`"},"endsAt":"9998-12-31T23:59:59Z"}]`), intake.Limits{}, now); err != nil || len(signals) != 1 {
		t.Errorf("what is just within the limits: %v", err)
	}
}

// What the fast scanner accepts, the exact decoder must read alike.
func FuzzScan(f *testing.F) {
	f.Add([]byte(sample(2)))
	f.Add([]byte(`[{"labels":{"a":"\u0026\ud83d\ude00\ud800\n"},"startsAt":"2026-03-17T03:00:00.123456789+01:00","generatorURL":"http://h:1/x?y=%zz"}]`))
	f.Add([]byte(`[{"labels":{"b":"","a":"1"},"annotations":{}}] `))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = Parse(body, intake.Limits{}, now)
		fast, ok := scan(string(body))
		if !ok {
			return
		}
		slow, err := decode(body)
		if err != nil {
			t.Fatalf("the scanner took what the decoder refuses: %v", err)
		}
		if len(fast) != len(slow) {
			t.Fatalf("%d alerts, the decoder has %d", len(fast), len(slow))
		}
		for i := range fast {
			if !same(fast[i], slow[i]) {
				t.Fatalf("alert %d: %+v\nthe decoder has %+v", i, fast[i], slow[i])
			}
		}
	})
}

func same(a, b alert) bool {
	return reflect.DeepEqual(a.labels.Map(), b.labels.Map()) && reflect.DeepEqual(a.annotations.Map(), b.annotations.Map()) &&
		a.startsAt.Equal(b.startsAt) && a.endsAt.Equal(b.endsAt) && a.generatorURL == b.generatorURL && !a.broken && !b.broken
}

// sample is n alerts as Prometheus posts them.
func sample(n int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"annotations":{"description":"checkout-%d answers 503 to 12.5 %% of requests for 2 minutes","summary":"Errors on checkout-%d"},`+
			`"endsAt":"2026-03-17T03:04:00.000Z","startsAt":"2026-03-17T02:58:12.345Z","generatorURL":"http://prometheus.internal:9090/graph?g0.expr=rate%%28x%%5B5m%%5D%%29\u0026g0.tab=1",`+
			`"labels":{"alertname":"ErrorsHigh","cluster":"eu-1","instance":"10.0.%d.%d:9100","job":"checkout","namespace":"shop","pod":"checkout-%d","service":"checkout","severity":"critical"}}`,
			i, i, i/256, i%256, i)
	}
	b.WriteByte(']')
	return b.String()
}

func BenchmarkParse64(b *testing.B) {
	body := []byte(sample(64))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		signals, err := Parse(body, intake.Limits{}, now)
		if err != nil || len(signals) != 64 {
			b.Fatal(err)
		}
	}
}
