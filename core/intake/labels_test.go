package intake_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/mainstayhq/mainstay/core/intake"
)

// Whoever moves from Prometheus finds alerts under the fingerprints that they had there.
func TestFingerprintIsPrometheus(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]rune, r.IntN(12)+1)
		for i := range b {
			b[i] = []rune("abcXYZ019_-:/ \"\\ü漢\u0000\n")[r.IntN(20)]
		}
		return string(b)
	}
	for range 5000 {
		m, ref := map[string]string{}, model.LabelSet{}
		for range r.IntN(20) {
			n, v := word(), word()
			m[n], ref[model.LabelName(n)] = v, model.LabelValue(v)
		}
		if got, want := intake.FingerprintText(intake.LabelsOf(m).Fingerprint()), ref.Fingerprint().String(); got != want {
			t.Fatalf("%q: %s, want %s", m, got, want)
		}
	}
}

func FuzzLabelsJSON(f *testing.F) {
	f.Add("alertname", "Down", "a\"b\\", "\x00\x7f\n\ufffd")
	f.Add("a", `","alertname":"x`, "alertname", "y")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		if !utf8.ValidString(n1) || !utf8.ValidString(n2) {
			t.Skip("Check refuses such names")
		}
		l := intake.LabelsOf(map[string]string{n1: v1, n2: v2})
		text := l.JSON()
		want := map[string]string{}
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q is not JSON: %v", text, err)
		}
		back, err := intake.ParseLabels(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == len(l) && back.JSON() != text {
			t.Fatalf("%q came back as %q", text, back.JSON())
		}
		for n, v := range want {
			if got, ok := intake.Lookup(text, n); !ok || got != v {
				t.Fatalf("looking up %q in %q: %q, %v, want %q", n, text, got, ok, v)
			}
		}
		if _, ok := intake.Lookup(text, n1+n2+"?"); ok {
			t.Fatalf("found what is not in %q", text)
		}
	})
}
