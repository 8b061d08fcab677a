package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badInput is what a sender may get wrong, and what it is told, in Alertmanager's own shapes: an object with a code for what the
// API's layer refuses, a JSON string for what Alertmanager itself does.
type badInput struct {
	name   string
	body   string
	status int
	code   int    // in the object; 0 when a string is answered
	says   string // some words of the sentence
	kept   string // alertname of the valid alert in the same batch, which must be kept
}

func badInputs() []badInput {
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, `,"l%d":"v"`, i)
	}
	with := func(name, bad string) string { return `[` + bad + `,{"labels":{"alertname":"` + name + `"}}]` }
	return []badInput{
		{"not JSON", `firing!`, 400, 400, "parsing alerts body", ""},
		{"cut off", `[{"labels":{"a":"b"}}`, 400, 400, "unexpected EOF", ""},
		{"an object", `{"labels":{"a":"b"}}`, 400, 400, "array of alerts", ""},
		{"a number", `5`, 400, 400, "parsing alerts body", ""},
		{"labels as text", `[{"labels":"a=b"}]`, 400, 400, "labels must be an object", ""},
		{"a number as label", `[{"labels":{"a":1}}]`, 400, 400, "labels must be text", ""},
		{"a wrong time", `[{"labels":{"a":"b"},"startsAt":"yesterday"}]`, 400, 400, "parsing time", ""},
		{"no labels", `[{"annotations":{"a":"b"}}]`, 422, 602, "labels in body is required", ""},
		{"a wrong URL", `[{"labels":{"a":"b"},"generatorURL":"not a url"}]`, 422, 601, "generatorURL", ""},
		{"empty labels", with("AfterEmpty", `{"labels":{"a":""}}`), 400, 0, "at least one label pair required", "AfterEmpty"},
		{"ends before it starts", with("AfterEnd", `{"labels":{"a":"b"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}`), 400, 0, "start time must be before end time", "AfterEnd"},
		{"the year 9999", with("After9999", `{"labels":{"a":"b"},"startsAt":"9999-01-01T00:00:00Z"}`), 400, 0, "after the year 9998", "After9999"},
		{"bad UTF-8", with("AfterUTF8", "{\"labels\":{\"a\":\"b\xff\"}}"), 400, 0, "not valid UTF-8", "AfterUTF8"},
		{"10,000 labels", with("AfterMany", `{"labels":{"a":"b"`+many.String()+`}}`), 400, 0, "10001 entries, at most 64", "AfterMany"},
		{"a long value", with("AfterLong", `{"labels":{"a":"`+strings.Repeat("v", 9000)+`"}}`), 400, 0, "label", "AfterLong"},
		{"10 MB", `[{"labels":{"a":"b"},"annotations":{"x":"` + strings.Repeat("y", 10<<20) + `"}}]`, 413, 413, "too large", ""},
	}
}

// TestBadInput sends what must not be sent to the running binary: each gets its sender's own code and a sentence, the valid rest
// of a batch is kept, and the server stays up.
func TestBadInput(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			if engine == "postgres" {
				need(t, "postgres")
			}
			s := newServer(t, engine)
			s.start()
			apply(t, s, "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: shop}\n")
			token := s.mainstay("token", "create", "--name", "test", "--role", "administrator")
			key := s.mainstay("key", "create", "--project", "shop", "--format", "alertmanager")
			path := "/in/" + key + "/alertmanager/api/v2/alerts"
			want := map[string]bool{}
			for _, in := range badInputs() {
				t.Run(in.name, func(t *testing.T) { sendBad(t, s, path, in) })
				if in.kept != "" {
					want[in.kept] = true
				}
			}
			t.Run("keys", func(t *testing.T) { sendBadKeys(t, s, key) })
			t.Run("gzip", func(t *testing.T) { sendBadGzip(t, s, path) })
			t.Run("API", func(t *testing.T) { askBadly(t, s, token) })
			var list listOf[alertJSON]
			s.api(token, "GET", "/alerts?limit=1000", nil, &list)
			for _, a := range list.Items {
				if !want[a.Labels["alertname"]] {
					t.Errorf("an alert was kept that should not: %+v", a.Labels)
				}
				delete(want, a.Labels["alertname"])
			}
			if len(want) > 0 {
				t.Errorf("valid alerts of bad batches were not kept: %v", want)
			}
			if code, body, err := s.get("/-/healthy"); err != nil || code != 200 {
				t.Errorf("the server is not well: %d %s %v", code, body, err)
			}
		})
	}
}

func sendBad(t *testing.T, s *server, path string, in badInput) {
	t.Helper()
	status, body, err := s.post(path, "application/json", []byte(in.body))
	if err != nil {
		t.Fatal(err)
	}
	var object struct {
		Code    int
		Message string
	}
	said := ""
	if in.code > 0 {
		err = json.Unmarshal([]byte(body), &object)
		said = object.Message
	} else {
		err = json.Unmarshal([]byte(body), &said)
	}
	if err != nil || status != in.status || object.Code != in.code || !strings.Contains(said, in.says) {
		t.Errorf("want %d with code %d and %q, got %d: %.300s", in.status, in.code, in.says, status, body)
	}
}

func sendBadKeys(t *testing.T, s *server, key string) {
	t.Helper()
	generic := s.mainstay("key", "create", "--project", "shop", "--format", "generic")
	good := []byte(`[{"labels":{"alertname":"NeverKept"}}]`)
	for name, k := range map[string]string{
		"unknown": strings.Repeat("0", 32), "no key at all": "nonsense", "of another format": generic, "none": "-",
	} {
		status, body, err := s.post("/in/"+k+"/alertmanager/api/v2/alerts", "application/json", good)
		if err != nil || status != 401 || !strings.Contains(body, `"code":401`) {
			t.Errorf("a key that is %s: want 401, got %d %s %v", name, status, body, err)
		}
	}
	req, err := http.NewRequest("POST", "http://"+s.addr+"/in/"+key+"/alertmanager/api/v2/alerts", bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+generic)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 401 {
		t.Errorf("two different keys: want 401, got %d", res.StatusCode)
	}
	if status, body, err := s.post("/in/"+key+"/nonsense/x", "application/json", good); err != nil || status != 404 {
		t.Errorf("an unknown format: want 404, got %d %s %v", status, body, err)
	}
}

// sendBadGzip sends what is not gzip although it says so, and 64 MB that are small while they are packed.
func sendBadGzip(t *testing.T, s *server, path string) {
	t.Helper()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := io.CopyN(z, zeros{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body []byte
		want int
	}{"no gzip": {[]byte(`[]`), 400}, "unpacks to 64 MB": {bomb.Bytes(), 413}} {
		req, err := http.NewRequest("POST", "http://"+s.addr+path, bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Encoding", "gzip")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: want %d, got %d", name, c.want, res.StatusCode)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// askBadly sends the same kinds of mistakes to the own API, which answers problem+json.
func askBadly(t *testing.T, s *server, token string) {
	t.Helper()
	for _, c := range []struct {
		method, path, auth, body string
		want                     int
	}{
		{"GET", "/alerts", "", "", 401},
		{"GET", "/alerts", "Bearer nonsense", "", 401},
		{"GET", "/alerts/ALR-999", "Bearer " + token, "", 404},
		{"GET", "/alerts?limit=x", "Bearer " + token, "", 422},
		{"GET", "/alerts?cursor=x", "Bearer " + token, "", 422},
		{"GET", "/nothing", "Bearer " + token, "", 404},
		{"POST", "/incidents", "Bearer " + token, "not JSON", 400},
		{"POST", "/incidents", "Bearer " + token, `{"severity":5}`, 422},
		{"POST", "/incidents", "Bearer " + token, `{"severity":"sev-1","nonsense":1}`, 422},
		{"POST", "/incidents", "Bearer " + token, `{"severity":"sev-1","project":"nowhere","title":"x"}`, 404},
		{"POST", "/incidents", "Bearer " + token, `{"severity":"sev-1","title":"` + strings.Repeat("x", 3<<20) + `"}`, 413},
		{"DELETE", "/alerts", "Bearer " + token, "", 405},
	} {
		req, err := http.NewRequest(c.method, "http://"+s.addr+"/api/v1"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if c.auth != "" {
			req.Header.Set("Authorization", c.auth)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.path, err)
			continue
		}
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		var p struct {
			Status        int
			Title, Detail string
		}
		if err := json.Unmarshal(b, &p); err != nil || res.StatusCode != c.want || p.Status != c.want || p.Title == "" ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s %s %.60s: want %d as problem+json, got %d %s %.300s", c.method, c.path, c.body, c.want, res.StatusCode, res.Header.Get("Content-Type"), b)
		}
	}
}

// apply writes manifests to a file and applies them.
func apply(t testing.TB, s *server, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.mainstay("apply", "-f", path)
}
