package intakeweb_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/generic"
	"github.com/mainstayhq/mainstay/core/intake/heartbeat"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/intake/intakeweb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

const shop = "00000000-0000-7000-8000-00000000000a"

// kept is a sink that remembers.
type kept struct {
	mu      sync.Mutex
	batches []*intake.Batch
	bodies  []string
	err     error
}

func (k *kept) Take(_ context.Context, batches ...*intake.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	for _, b := range batches {
		body, err := s2.Decode(nil, b.Body)
		if err != nil {
			return err
		}
		k.batches, k.bodies = append(k.batches, b), append(k.bodies, string(body))
		if b.Want {
			b.Results = []intake.Result{{Alert: "a", Number: 7, New: true}}
		}
	}
	return nil
}

type projects struct{}

func (projects) Projects(context.Context) ([]project.Project, error) { return nil, nil }
func (projects) Services(context.Context, string) ([]project.Service, error) {
	return nil, nil
}

type world struct {
	*mainstaytest.Env
	keys *intake.Keys
	sink *kept
	mux  *http.ServeMux
}

func formats() []intake.Format {
	return []intake.Format{alertmanager.Format{}, generic.Format{}, heartbeat.Format{}}
}

func begin(t *testing.T, e *mainstaytest.Env) *world {
	t.Helper()
	keys, err := intake.NewKeys(intake.KeysConfig{Store: intakedb.New(e.DB, e.Saver), Time: e.Clock, Log: e.Log, Formats: []string{"alertmanager", "generic", "heartbeat"}})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Env: e, keys: keys, sink: &kept{}, mux: http.NewServeMux()}
	pages, err := intakeweb.New(intakeweb.Config{Keys: keys, Formats: formats(), Sink: w.sink, Projects: projects{}, Time: e.Clock})
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("/in/{key}/{format}/{path...}", pages)
	w.mux.Handle("/in/{key}/{format}", pages)
	return w
}

func (w *world) key(t *testing.T, format string) string {
	t.Helper()
	k, err := w.keys.Create(t.Context(), mainstay.Person("ana"), shop, "svc", format)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (w *world) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

func (w *world) want(t *testing.T, rec *httptest.ResponseRecorder, status int, contains string) {
	t.Helper()
	if rec.Code != status || !strings.Contains(rec.Body.String(), contains) {
		t.Errorf("got %d %s, want %d %s", rec.Code, rec.Body, status, contains)
	}
}

const one = `[{"labels":{"alertname":"Down"}}]`

// A key lets in what it was made for, in every place where it may stand, and is exchanged without a gap.
func TestKeys(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		w := begin(t, e)
		key, other := w.key(t, "alertmanager"), w.key(t, "heartbeat")
		if !intake.ValidKey(key) || key == other {
			t.Fatal(key)
		}
		path := "/alertmanager/api/v2/alerts"
		unknown := strings.Repeat("ab", 16)
		w.want(t, w.send("POST", "/in/"+key+path, one), 200, "")
		w.want(t, w.send("POST", "/in/-"+path, one, "Authorization", "Bearer "+key), 200, "")
		r := httptest.NewRequest("POST", "/in/-"+path, strings.NewReader(one))
		r.SetBasicAuth("anybody", key)
		rec := httptest.NewRecorder()
		w.mux.ServeHTTP(rec, r)
		w.want(t, rec, 200, "")
		w.want(t, w.send("POST", "/in/"+key+path, one, "Authorization", "Bearer "+key), 200, "")
		if b := w.sink.batches[0]; len(w.sink.batches) != 4 || b.Project != shop || b.Service != "svc" || w.sink.bodies[0] != one {
			t.Fatalf("%+v", b)
		}
		w.want(t, w.send("POST", "/in/"+key+path, one, "Authorization", "Bearer "+unknown), 401, "two different")
		w.want(t, w.send("POST", "/in/"+unknown+path, one), 401, `{"code":401,"message":"The intake key is unknown`)
		w.want(t, w.send("POST", "/in/"+strings.ToUpper(key)+path, one), 401, "")
		w.want(t, w.send("POST", "/in/nonsense"+path, one, "Authorization", "Bearer "+key), 401, "")
		w.want(t, w.send("POST", "/in/-"+path, one), 401, "")
		w.want(t, w.send("POST", "/in/"+other+path, one), 401, "another format")
		w.want(t, w.send("POST", "/in/"+key+"/nagios/", one), 404, "")

		list, err := w.keys.List(t.Context(), shop, "", 10)
		if err != nil || len(list) != 2 || !list[1].LastUsed.Equal(mainstaytest.Start) || !list[0].LastUsed.IsZero() {
			t.Fatalf("%+v %v", list, err)
		}
		successor, err := w.keys.Rotate(t.Context(), mainstay.Person("ana"), list[1].ID)
		if err != nil {
			t.Fatal(err)
		}
		w.want(t, w.send("POST", "/in/"+key+path, one), 200, "")
		w.want(t, w.send("POST", "/in/"+successor+path, one), 200, "")
		if err := w.keys.Revoke(t.Context(), mainstay.Person("ana"), list[1].ID); err != nil {
			t.Fatal(err)
		}
		w.want(t, w.send("POST", "/in/"+key+path, one), 401, "")
		w.want(t, w.send("POST", "/in/"+successor+path, one), 200, "")
		// Another process makes a key: it is found in the database.
		again, err := intake.NewKeys(intake.KeysConfig{Store: intakedb.New(e.DB, e.Saver), Time: e.Clock, Formats: []string{"alertmanager"}})
		if err != nil {
			t.Fatal(err)
		}
		foreign, err := again.Create(t.Context(), mainstay.System("cli"), shop, "", "alertmanager")
		if err != nil {
			t.Fatal(err)
		}
		w.want(t, w.send("POST", "/in/"+foreign+path, one), 200, "")
		// Guessing is looked up at a limited rate, and keys that are known do not suffer from it, nor do new ones for long.
		for i := range 2200 {
			w.want(t, w.send("POST", fmt.Sprintf("/in/%032x%s", i, path), one), 401, "")
		}
		w.want(t, w.send("POST", "/in/"+successor+path, one), 200, "")
		e.Clock.Advance(time.Second)
		w.want(t, w.send("POST", "/in/"+w.key(t, "alertmanager")+path, one), 200, "")
	}, intakedb.Migrations())
}

// Whatever is wrong with a request is said in the sender's own shape, and the server stays up.
func TestBadInput(t *testing.T) {
	t.Parallel()
	e := mainstaytest.New(t, "sqlite", intakedb.Migrations())
	w := begin(t, e)
	am, gen, hb := "/in/"+w.key(t, "alertmanager")+"/alertmanager/api/v2/alerts", "/in/"+w.key(t, "generic")+"/generic", "/in/"+w.key(t, "heartbeat")+"/heartbeat"

	w.want(t, w.send("POST", am, "{nope"), 400, `{"code":400,"message":"parsing alerts body from \"\" failed, because `)
	w.want(t, w.send("POST", am, `[{}]`), 422, `{"code":602,"message":"0.labels in body is required"}`)
	w.want(t, w.send("POST", am, `[{"labels":{"a":"`+strings.Repeat("x", 10<<20)+`"}}]`), 413, `{"code":413,`)
	w.want(t, w.send("POST", am, strings.Repeat(" ", 5<<20)), 413, "")
	w.want(t, w.send("GET", am, ""), 405, `{"code":405,`)
	w.want(t, w.send("POST", strings.Replace(am, "v2", "v1", 1), "[]"), 410, "")
	w.want(t, w.send("POST", am, "[]", "Content-Encoding", "br"), 400, "encoding")
	w.want(t, w.send("POST", am, "[]", "Content-Encoding", "gzip"), 400, "cannot be read")
	w.want(t, w.send("POST", am, zip(t, one), "Content-Encoding", "gzip"), 200, "")
	w.want(t, w.send("POST", am, zip(t, strings.Repeat(" ", 33<<20)), "Content-Encoding", "gzip"), 413, "unpacked")
	w.want(t, w.send("POST", am, zip(t, "["+strings.Repeat(" ", 31<<20)+"]"), "Content-Encoding", "gzip"), 200, "")

	w.want(t, w.send("POST", gen, "", "Content-Type", "application/json"), 400, "summary")
	w.want(t, w.send("POST", gen, "{", "Content-Type", "application/json"), 400, "JSON")
	w.want(t, w.send("POST", gen, "summary=%ff&x=1"), 400, "UTF-8")
	w.want(t, w.send("POST", gen, "summary=x&action=explode"), 400, "explode")
	w.want(t, w.send("POST", gen, "summary=x&dedup="+strings.Repeat("d", 513)), 400, "513")
	w.want(t, w.send("POST", gen, "action=close"), 400, "dedup")
	w.want(t, w.send("GET", gen, ""), 405, "")
	w.want(t, w.send("POST", gen, "summary=Disk&dedup=d&labels.host=db1"), 204, "")
	w.want(t, w.send("POST", gen, `{"summary":"Disk","labels":{"n":1}}`, "Accept", "application/json"), 200, `{"AlertID":7,"ServiceID":"svc","IsNew":true}`)

	w.want(t, w.send("GET", hb+"/backup?every=1d", ""), 200, "ok")
	w.want(t, w.send("POST", hb+"?status=fail", "it broke"), 200, "ok")
	if b := w.sink.batches[len(w.sink.batches)-1].Beat; b.Name != "heartbeat" || !b.Fail || b.Message != "it broke" {
		t.Errorf("%+v", b)
	}
	w.want(t, w.send("GET", hb+"?every=soon", ""), 400, "every=")
	w.want(t, w.send("GET", hb+"?status=perhaps", ""), 400, "status")
	w.want(t, w.send("DELETE", hb, ""), 405, "")

	w.sink.err = mainstay.Errorf(mainstay.Unavailable, "The alerts could not be stored.")
	w.want(t, w.send("POST", am, one), 503, `"The alerts could not be stored."`)
	w.want(t, w.send("POST", gen, "summary=x"), 503, "stored")
}

func zip(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
