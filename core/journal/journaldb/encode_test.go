package journaldb

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// FuzzEntriesReadLikeJSON: what we write by hand is read like what encoding/json writes.
func FuzzEntriesReadLikeJSON(f *testing.F) {
	f.Add("plain", "alert", int64(1_790_000_000_000_000))
	f.Add("quote \" back \\ <b> & \u2028 \n\t\x01 \x7f", "é 漢 \U0001F600 broken \xff", int64(-1))
	f.Add("", "", int64(0))
	f.Fuzz(func(t *testing.T, text, id string, us int64) {
		if us < -60_000_000_000_000_000 || us > 250_000_000_000_000_000 {
			return // years that JSON cannot say
		}
		at := time.UnixMicro(us).UTC()
		x := fact.New(at, text, mainstay.Actor{Kind: mainstay.ActorKind(id), ID: text}, fact.ProjectCreated{Name: text, Title: id},
			mainstay.Ref{Kind: mainstay.Kind(text), ID: id}, mainstay.Ref{Kind: "service", ID: "s"}).Happened(at.In(time.FixedZone("x", 3600)))
		bare := fact.Fact{ID: id, At: at, Recorded: at}
		list := []entry{
			{Fact: x, Salt: []byte(id), Digest: []byte(text)}, {Fact: bare, Digest: []byte{}}, {Fact: x, Anew: []byte("new"), Digest: []byte{1}},
		}
		plain, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []entry
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(appendEntries(nil, list), &got); err != nil {
			t.Fatalf("%v: %s", err, appendEntries(nil, list))
		}
		for i := range want { // how characters are escaped within a payload is not the same, and means the same
			want[i].Fact.Payload, got[i].Fact.Payload = canonical(t, want[i].Fact.Payload), canonical(t, got[i].Fact.Payload)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func canonical(t *testing.T, b json.RawMessage) json.RawMessage {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
