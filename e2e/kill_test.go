package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// trial is one installation that is killed again and again, and what everybody around it remembers: the senders what they were
// told was accepted, the receivers what reached them. What Mainstay says of itself is compared with that.
type trial struct {
	t      *testing.T
	s      *server
	http   http.Client
	key    string
	tokens [2]string // of two, so that one may approve what the other wrote
	hooks  map[string]*hook
	box    *mailbox // nil without a mail server

	crashes []crash
	starts  []time.Duration // from the beginning of a process until it is ready

	mu        sync.Mutex
	alerts    []*sentAlert
	acks      map[string]*ack // by the page's number
	incidents []*told
	published int
}

// crash is one kill -9.
type crash struct {
	At       time.Time // just before
	Starting bool      // the server was not ready yet
}

const killed = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@mail.test, contacts: [{type: webhook, address: "HOOK-ana", pages: true}], roles: [{role: responder, project: shop}]}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ben}
spec: {email: ben@mail.test, contacts: [{type: webhook, address: "HOOK-ben", pages: true}], roles: [{role: responder, project: shop}]}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: cleo}
spec: {email: "CLEO", contacts: [{type: email, address: "CLEO", pages: true}], roles: [{role: responder, project: shop}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: ladder, project: shop}
spec:
  steps:
  - targets: ["person:ana"]
  - {delay: 1s, targets: ["person:ben", "person:cleo"]}
  repeats: 1
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: paging, project: shop}
spec: {match: {wakes: "yes"}, policy: ladder, severity: sev-2}
---
apiVersion: mainstay/v1
kind: IncidentPlan
metadata: {name: walk, project: shop}
spec:
  steps:
  - {title: Look, within: 2s}
  - {title: Decide, within: 3s}
  - {title: Mend}
---
apiVersion: mainstay/v1
kind: Component
metadata: {name: orders, project: shop}
spec: {title: Placing orders}
`

// rounds are the rounds of the policy above, and steps the steps in each.
const rounds, steps = 2, 2

// Whatever a sender was told is accepted survives kill -9 at any moment: alerts and their pages, acknowledgements, incidents,
// notes, steps and public updates. A crash may send a notification twice, and nothing else does.
func TestKilled(t *testing.T) {
	need(t, "binary")
	kills, seed := 6, uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	if n, err := strconv.Atoi(os.Getenv("MAINSTAY_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("MAINSTAY_SEED"), 10, 64); err == nil {
		seed = n
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Logf("seed %d, %d kills", seed, kills)
			k := newTrial(t, engine, seed)
			k.suffer(kills, seed)
			k.settle()
			k.report()
			k.checkAlerts()
			k.checkPages()
			k.checkIncidents()
			k.checkServer()
		})
	}
}

// newTrial sets an installation up, whose very first starts are killed too.
func newTrial(t *testing.T, engine string, seed uint64) *trial {
	k := &trial{t: t, acks: map[string]*ack{}, hooks: map[string]*hook{"ana": newHook(t), "ben": newHook(t)}, http: http.Client{Timeout: 10 * time.Second}}
	flags, cleo := []string{"--allow-targets", "127.0.0.0/8"}, "cleo@mail.test"
	if smtp := os.Getenv("MAINSTAY_TEST_SMTP_PLAIN"); smtp != "" {
		k.box = newMailbox(t, "killed")
		flags, cleo = append(flags, "--smtp-url", smtp), k.box.Address
	}
	k.s = newServer(t, engine, flags...)
	r := rand.New(rand.NewPCG(seed, 100)) //nolint:gosec // not a secret
	for range 5 {
		k.s.launch()
		between(t.Context(), r, 5, 200)
		k.s.kill()
	}
	k.s.start()
	text := strings.NewReplacer("HOOK-ana", k.hooks["ana"].URL, "HOOK-ben", k.hooks["ben"].URL, "CLEO", cleo).Replace(killed)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.s.mainstay("apply", "-f", file)
	k.key = k.s.mainstay("key", "create", "--project", "shop", "--format", "alertmanager")
	for i := range k.tokens {
		k.tokens[i] = k.s.mainstay("token", "create", "--name", fmt.Sprintf("trial-%d", i), "--role", "administrator")
	}
	return k
}

// suffer kills the server so many times, while everybody does their work. It leaves a server running.
func (k *trial) suffer(kills int, seed uint64) {
	ctx, cancel := context.WithCancel(k.t.Context())
	var actors sync.WaitGroup
	for i, act := range []func(context.Context, *rand.Rand){k.send, k.acknowledge, k.respond} {
		actors.Go(func() { act(ctx, rand.New(rand.NewPCG(seed, uint64(i+1)))) }) //nolint:gosec // neither secret nor negative
	}
	defer actors.Wait()
	defer cancel()
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // not a secret
	for len(k.crashes) < kills {
		starting := len(k.crashes) > 0 && r.IntN(6) == 0
		if starting {
			between(k.t.Context(), r, 5, 300)
		} else {
			k.ready()
			between(k.t.Context(), r, 20, 800)
		}
		k.crashes = append(k.crashes, crash{time.Now(), starting})
		k.s.kill()
		if how := k.s.ended.String(); how != "signal: killed" {
			k.t.Fatalf("before crash %d the server ended by itself: %s", len(k.crashes), how)
		}
		k.s.launch()
	}
	k.ready()
	between(k.t.Context(), r, 500, 800)
}

// ready waits until the server answers, and notes how long that took it.
func (k *trial) ready() {
	k.t.Helper()
	k.s.awaitReady()
	k.starts = append(k.starts, time.Since(k.s.launched))
}

// between waits so many milliseconds, or until ctx ends.
func between(ctx context.Context, r *rand.Rand, least, most int) {
	t := time.NewTimer(time.Duration(least+r.IntN(most-least+1)) * time.Millisecond) // real: another process is being killed
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// settle waits until no page asks any more and nothing is on its way. An open page without a timer would stay for ever.
func (k *trial) settle() {
	k.t.Helper()
	eventually(k.t, time.Minute, "nothing is under way", func() error {
		for _, path := range []string{"/pages?state=open", "/notifications?state=planned", "/notifications?state=leased"} {
			var list struct{ Items []json.RawMessage }
			if err := k.call(k.t.Context(), 0, "GET", path, nil, &list); err != nil {
				return err
			}
			if len(list.Items) > 0 {
				return fmt.Errorf("%s: %d, such as %s", path, len(list.Items), list.Items[0])
			}
		}
		return nil
	})
}

// call asks the API with one of the tokens.
func (k *trial) call(ctx context.Context, token int, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+k.s.addr+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+k.tokens[token])
	req.Header.Set("Content-Type", "application/json")
	return k.do(req, out)
}

// do makes a request; anything but a 2xx is an error.
func (k *trial) do(req *http.Request, out any) error {
	res, err := k.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return &statusError{res.StatusCode, string(b)}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

// report says what was suffered.
func (k *trial) report() {
	slices.Sort(k.starts)
	early := 0
	for _, c := range k.crashes {
		if c.Starting {
			early++
		}
	}
	k.t.Logf("%d crashes, %d of them during a start; ready again after %s (median), %s (longest)", len(k.crashes), early,
		k.starts[len(k.starts)/2].Round(time.Millisecond), k.starts[len(k.starts)-1].Round(time.Millisecond))
}
