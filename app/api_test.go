package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/web"
)

// send asks with headers, given as name, value pairs.
func send(t *testing.T, c *servertest.Client, method, path, body string, headers ...string) servertest.Answer {
	t.Helper()
	r := c.Request(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.Do(r)
}

// byName is one spec of every kind that can be defined by name, in an order in which each finds what it names.
var byName = []struct{ path, spec, other string }{
	{"projects/new", `{"title":"New"}`, `{"title":"Newer"}`},
	{"people/newbie", `{"fullName":"New Bee","email":"newbie@example.org"}`, `{"fullName":"New B.","email":"newbie@example.org"}`},
	{"teams/fresh", `{"title":"New","members":["duty"]}`, `{"title":"Newer","members":["duty"]}`},
	{"services/new?project=alpha", `{"title":"New"}`, `{"title":"Newer","tier":"gold"}`},
	{"schedules/new?project=alpha", `{"zone":"UTC","layers":[{"participants":["duty"]}]}`, `{"zone":"UTC","layers":[{"participants":["duty"],"rotation":"daily"}]}`},
	{"policies/new?project=alpha", `{"steps":[{"targets":["person:duty"]}]}`, `{"steps":[{"targets":["person:duty"]}],"repeats":1}`},
	{"routes/new?project=alpha", `{"order":7,"match":{"job":"x"}}`, `{"order":8,"match":{"job":"x"}}`},
	{"plans/new?project=alpha", `{"title":"New"}`, `{"title":"Newer"}`},
	{"components/new?project=alpha", `{"title":"New"}`, `{"title":"Newer"}`},
	{"templates/new?project=alpha", `{"title":"New","status":"investigating","body":"We look into it. More by {{next_update}}."}`, `{"title":"Newer","status":"investigating","body":"We look into it. More by {{next_update}}."}`},
	{"windows/new?project=alpha", `{"title":"New","from":"2030-05-01T01:00:00Z","until":"2030-05-01T02:00:00Z"}`, `{"title":"Newer","from":"2030-05-01T01:00:00Z","until":"2030-05-01T02:00:00Z"}`},
}

// TestPutByName makes, repeats, changes and removes one of every kind, under preconditions.
func TestPutByName(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		root := w.With(w.root)
		for _, k := range byName {
			path := "/api/v1/" + k.path
			want := func(what string, a servertest.Answer, statuses ...int) {
				t.Helper()
				for _, st := range statuses {
					if a.Status == st {
						return
					}
				}
				t.Errorf("%s, %s: %d %.300s, want %v", k.path, what, a.Status, a.Body, statuses)
			}
			want("If-Match of what is not there", send(t, root, "PUT", path, k.spec, "If-Match", `"1"`), 412)
			made := send(t, root, "PUT", path, k.spec, "If-None-Match", "*")
			want("made", made, 201, 200)
			tag := made.Header.Get("ETag")
			if tag == "" {
				t.Errorf("%s: made without an ETag", k.path)
			}
			want("made twice", send(t, root, "PUT", path, k.spec, "If-None-Match", "*"), 412)
			again := send(t, root, "PUT", path, k.spec)
			want("repeated", again, 200)
			if again.Header.Get("ETag") != tag || again.Body != made.Body {
				t.Errorf("%s: repeated, it is\n%s %s, was\n%s %s", k.path, again.Header.Get("ETag"), again.Body, tag, made.Body)
			}
			one := root.Get(t, path)
			want("read", one, 200)
			if one.Header.Get("ETag") != tag || one.Body != made.Body {
				t.Errorf("%s: read, it is\n%s %s, was\n%s %s", k.path, one.Header.Get("ETag"), one.Body, tag, made.Body)
			}
			want("changed by an old version", send(t, root, "PUT", path, k.other, "If-Match", `"777"`), 412)
			changed := send(t, root, "PUT", path, k.other, "If-Match", tag)
			want("changed", changed, 200)
			if changed.Header.Get("ETag") == tag {
				t.Errorf("%s: changed, and the version is the same", k.path)
			}
			want("changed by the version before", send(t, root, "PUT", path, k.spec, "If-Match", tag), 412)
			faulty := send(t, root, "PUT", path, `{"nothing":true}`)
			want("faulty", faulty, 422)
			if strings.HasPrefix(k.path, "projects") {
				want("removed", send(t, root, "DELETE", path, ""), 405)
				continue
			}
			want("removed by an old version", send(t, root, "DELETE", path, "", "If-Match", tag), 412)
			want("removed", send(t, root, "DELETE", path, "", "If-Match", changed.Header.Get("ETag")), 204)
			if !strings.HasPrefix(k.path, "people") && !strings.HasPrefix(k.path, "windows") {
				want("made again", send(t, root, "PUT", path, k.spec), 201, 200)
			}
		}
		if a := send(t, root, "DELETE", "/api/v1/services/web-alpha?project=alpha", ""); a.Status != 409 || !strings.Contains(a.Body, "still names") {
			t.Errorf("what others name is removed: %d %s", a.Status, a.Body)
		}
		manager := w.With(w.tokens["manager"])
		for path, status := range map[string]int{
			"services/mine?project=alpha": 201, "services/mine?project=beta": 404, "services/mine": 422, "projects/mine": 403, "teams/mine": 403,
		} {
			if a := send(t, manager, "PUT", "/api/v1/"+path, `{}`); a.Status != status {
				t.Errorf("a manager of alpha: PUT %s is %d %s, want %d", path, a.Status, a.Body, status)
			}
		}
	})
}

// TestOnlyOneOfManyWins: of many changes under the same version exactly one is made, however close they are.
func TestOnlyOneOfManyWins(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, "{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}\n---\n{apiVersion: mainstay/v1, kind: Person, metadata: {name: ana}, spec: {email: ana@example.org}}\n")
		root := s.With(s.Token(t, "administrator", ""))
		for _, path := range []string{"/api/v1/services/web?project=shop", "/api/v1/schedules/rota?project=shop", "/api/v1/components/web?project=shop", "/api/v1/teams/crew"} {
			body := func(i int) string {
				if strings.Contains(path, "schedules") {
					return fmt.Sprintf(`{"title":"T%d","zone":"UTC","layers":[{"participants":["ana"]}]}`, i)
				}
				return fmt.Sprintf(`{"title":"T%d"}`, i)
			}
			tag := send(t, root, "PUT", path, body(0)).Header.Get("ETag")
			for round := range 3 {
				var mu sync.Mutex
				won, lost := "", 0
				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						a := send(t, root, "PUT", path, body(1+round*8+i), "If-Match", tag)
						mu.Lock()
						defer mu.Unlock()
						switch a.Status {
						case 200:
							if won != "" {
								t.Errorf("%s: two changes under %s", path, tag)
							}
							won = a.Header.Get("ETag")
						case 412, 409:
							lost++
						default:
							t.Errorf("%s: %d %s", path, a.Status, a.Body)
						}
					})
				}
				wg.Wait()
				if won == "" || lost != 7 {
					t.Errorf("%s: %d of 8 lost, and %q won", path, lost, won)
				}
				tag = won
			}
		}
	})
}

// TestUnchangedIsNotSentAgain: a GET of the API has an ETag, and answers 304 to who has it.
func TestUnchangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	w := newWorld(t, s)
	root := w.With(w.root)
	for _, path := range []string{"/api/v1/services", "/api/v1/alerts", "/api/v1/incidents/" + w.alpha["incident"], "/api/v1/routes?project=alpha", "/api/v1/people/duty"} {
		first := root.Get(t, path)
		tag := first.Header.Get("ETag")
		if first.Status != 200 || tag == "" || first.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %d %v", path, first.Status, first.Header)
		}
		if a := send(t, root, "GET", path, "", "If-None-Match", `"other", `+tag); a.Status != 304 || a.Body != "" || a.Header.Get("ETag") != tag {
			t.Errorf("%s again: %d %q %v", path, a.Status, a.Body, a.Header)
		}
		if a := send(t, root, "GET", path, "", "If-None-Match", `"other"`); a.Status != 200 || a.Body != first.Body {
			t.Errorf("%s, when another is held: %d", path, a.Status)
		}
	}
}

// TestEveryErrorIsAProblem: whatever goes wrong under /api/ is told in one shape.
func TestEveryErrorIsAProblem(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, "{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}\n")
	root := s.With(s.Token(t, "administrator", ""))
	put := "/api/v1/services/web?project=shop"
	for name, c := range map[string]struct {
		client       *servertest.Client
		method, path string
		body         string
		headers      []string
		status       int
		code         string
	}{
		"no such address":          {root, "GET", "/api/v1/nothing", "", nil, 404, "not_found"},
		"no such version":          {root, "GET", "/api/v7/alerts", "", nil, 404, "not_found"},
		"no such object":           {root, "GET", "/api/v1/projects/nothing", "", nil, 404, "not_found"},
		"nobody":                   {s.Nobody(), "GET", "/api/v1/alerts", "", nil, 401, "unauthenticated"},
		"an unknown token":         {s.With("mst_0000"), "GET", "/api/v1/alerts", "", nil, 401, "unauthenticated"},
		"a wrong method":           {root, "PATCH", "/api/v1/alerts", "{}", nil, 405, "invalid"},
		"a wrong media type":       {root, "PUT", put, "title: x", []string{"Content-Type", "application/x-yaml"}, 415, "invalid"},
		"no JSON":                  {root, "PUT", put, "{", nil, 400, "invalid"},
		"a field that is none":     {root, "PUT", put, `{"teir":"gold"}`, nil, 422, "invalid"},
		"a wrong type":             {root, "PUT", put, `{"dependsOn":"web"}`, nil, 422, "invalid"},
		"too large":                {root, "PUT", put, `{"title":"` + strings.Repeat("x", 2<<20) + `"}`, nil, 413, "too_large"},
		"a limit that is too high": {root, "GET", "/api/v1/alerts?limit=1001", "", nil, 422, "invalid"},
		"no limit":                 {root, "GET", "/api/v1/alerts?limit=0", "", nil, 422, "invalid"},
		"a cursor that is none":    {root, "GET", "/api/v1/windows?cursor=x", "", nil, 422, "invalid"},
		"a precondition":           {root, "PUT", put, `{}`, []string{"If-Match", `"9"`}, 412, "conflict"},
	} {
		a := send(t, c.client, c.method, c.path, c.body, c.headers...)
		var p struct {
			Title, Code, Detail, Request string
			Status                       int
		}
		err := json.Unmarshal([]byte(a.Body), &p)
		if err != nil || a.Status != c.status || p.Status != c.status || p.Code != c.code || p.Detail == "" || p.Title == "" || p.Request == "" ||
			!strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s %.300s %v", name, a.Status, a.Header.Get("Content-Type"), a.Body, err)
		}
		if c.status == 405 && a.Header.Get("Allow") == "" {
			t.Errorf("%s: no Allow", name)
		}
	}
}

// TestTheAPIIsLimited: each token has its own limit, and is told how long to wait.
func TestTheAPIIsLimited(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite", func(cfg *app.Config) { cfg.Rate = web.Rate{PerSecond: 2, Burst: 5} })
	one, other := s.With(s.Token(t, "administrator", "")), s.With(s.Token(t, "member", ""))
	for i := range 5 {
		a := one.Get(t, "/api/v1/projects")
		if a.Status != 200 || a.Header.Get("RateLimit-Limit") != "5" || a.Header.Get("RateLimit-Remaining") != fmt.Sprint(4-i) || a.Header.Get("RateLimit-Policy") == "" {
			t.Errorf("request %d: %d %v", i+1, a.Status, a.Header)
		}
	}
	a := one.Get(t, "/api/v1/projects")
	if a.Status != 429 || a.Header.Get("Retry-After") != "1" || a.Header.Get("RateLimit-Remaining") != "0" || !strings.Contains(a.Body, `"code":"too_many"`) {
		t.Errorf("the sixth: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := other.Get(t, "/api/v1/projects"); a.Status != 200 {
		t.Errorf("another token: %d", a.Status)
	}
	s.Clock.Advance(1e9)
	if a := one.Get(t, "/api/v1/projects"); a.Status != 200 {
		t.Errorf("a second later: %d", a.Status)
	}
	for range 30 {
		a = s.Nobody().Get(t, "/api/v1/projects")
	}
	if a.Status != 429 {
		t.Errorf("the 30th request of an address: %d", a.Status)
	}
}

// TestEveryListReadsOn pages every list of the API by twos and compares with the whole; what comes in between moves nothing.
func TestEveryListReadsOn(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := newWorld(t, s)
		root := w.With(w.root)
		var d struct {
			Paths map[string]map[string]struct{ Parameters []struct{ Name string } }
		}
		root.Get(t, "/api/openapi.json").JSON(t, &d)
		lists := 0
		for path, ops := range d.Paths {
			paged := false
			for _, p := range ops["get"].Parameters {
				paged = paged || p.Name == "cursor"
			}
			if !paged || strings.Contains(path, "{") { // those of one object are tested with it
				continue
			}
			lists++
			query := url.Values{}
			if path == "/api/v1/facts" {
				query.Set("project", "alpha")
			}
			if path == "/api/v1/search" {
				query.Set("q", "basalt")
			}
			whole, _ := page(t, root, path, query, "1000")
			var pieces []string
			for i := 0; ; i++ {
				if i%20 == 0 {
					w.Clock.Advance(time.Second) // so many requests a second
				}
				items, next := page(t, root, path, query, "2")
				if len(items) > 2 {
					t.Errorf("%s: %d items, at most 2 were asked for", path, len(items))
				}
				pieces = append(pieces, items...)
				if i == 0 && path != "/api/v1/facts" && path != "/api/v1/notifications" && path != "/api/v1/search" {
					w.more(t)
				}
				if next == "" || i > 500 {
					break
				}
				query.Set("cursor", next)
			}
			counts := map[string]int{}
			for _, x := range pieces {
				counts[x]++
			}
			for _, x := range whole {
				if counts[x] != 1 {
					t.Errorf("%s: read by twos, an item came %d times: %.200s", path, counts[x], x)
				}
			}
		}
		if lists < 20 {
			t.Errorf("only %d lists", lists)
		}
	})
}

// more makes something new of each kind that sorts to the front or into the middle of its list.
var moreNames = struct {
	sync.Mutex
	n map[*world]int
}{n: map[*world]int{}}

func (w *world) more(t *testing.T) {
	t.Helper()
	moreNames.Lock()
	moreNames.n[w]++
	n := moreNames.n[w]
	moreNames.Unlock()
	w.Apply(t, strings.ReplaceAll(`{apiVersion: mainstay/v1, kind: Project, metadata: {name: a-N}}
---
{apiVersion: mainstay/v1, kind: Person, metadata: {name: aa-N}, spec: {email: aa-N@example.org}}
---
{apiVersion: mainstay/v1, kind: Team, metadata: {name: aa-N}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: aa-N, project: alpha}}
---
{apiVersion: mainstay/v1, kind: Component, metadata: {name: aa-N, project: alpha}, spec: {title: AA}}
---
{apiVersion: mainstay/v1, kind: IncidentPlan, metadata: {name: aa-N, project: alpha}}
---
{apiVersion: mainstay/v1, kind: EscalationPolicy, metadata: {name: aa-N, project: alpha}, spec: {steps: [{targets: ["person:duty"]}]}}
---
{apiVersion: mainstay/v1, kind: Route, metadata: {name: aa-N, project: alpha}}
`, "N", fmt.Sprint(n)))
}

// page reads one page of a list; items are their JSON.
func page(t *testing.T, c *servertest.Client, path string, query url.Values, limit string) (items []string, next string) {
	t.Helper()
	q := url.Values{"limit": {limit}}
	for k, v := range query {
		q[k] = v
	}
	a := c.Get(t, path+"?"+q.Encode())
	var list struct {
		Items []json.RawMessage
		Next  *string
	}
	if a.Status != http.StatusOK {
		t.Errorf("%s?%s: %d %s", path, q.Encode(), a.Status, a.Body)
		return nil, ""
	}
	a.JSON(t, &list)
	if list.Items == nil || list.Next == nil {
		t.Errorf("%s answers no items, or no next: %.200s", path, a.Body)
		return nil, ""
	}
	for _, x := range list.Items {
		items = append(items, string(x))
	}
	return items, *list.Next
}
