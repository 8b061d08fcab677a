package fact

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// What appenders write is read like what encoding/json writes.
func TestAppendersWriteWhatJSONReads(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 17, 2, 58, 12, 345_000_000, time.UTC)
	for _, text := range []string{"", "plain", "quote \" back \\ <b> & \u2028 \n\t\x01 \x7f", "é 漢 \U0001F600", "broken \xff utf8"} {
		for _, p := range []Payload{
			AlertFired{}, AlertResolved{}, PageWanted{},
			AlertFired{7, text, text, text, text, text, text, at},
			AlertResolved{-7, text, text, at.In(time.FixedZone("x", 3600)), text},
			PageWanted{text, text, text, text, text, text},
		} {
			if _, ok := p.(appender); !ok {
				t.Fatalf("%T writes itself no more", p)
			}
			want, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var a, b any
			if err := json.Unmarshal(write(p), &a); err != nil {
				t.Fatalf("%s: %v", write(p), err)
			}
			if err := json.Unmarshal(want, &b); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%T: %s is not %s", p, write(p), want)
			}
		}
	}
}
