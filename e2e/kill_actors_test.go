package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sentAlert is what the sender remembers of one alert. Its label n is unique.
type sentAlert struct {
	N        int
	Wakes    bool      // its route pages
	Accepted bool      // its sender got a 2xx; else it may exist or not
	Over     time.Time // when its end was first sent; zero for never
	Ended    bool      // its end got a 2xx
}

// post sends alerts as Alertmanager's clients do.
func (k *trial) post(ctx context.Context, list ...*sentAlert) bool {
	var alerts []map[string]any
	for _, a := range list {
		ends := time.Now().Add(2 * time.Hour)
		if !a.Over.IsZero() {
			ends = a.Over
		}
		wakes := "no"
		if a.Wakes {
			wakes = "yes"
		}
		alerts = append(alerts, map[string]any{
			"labels": map[string]string{"alertname": "Trial", "n": strconv.Itoa(a.N), "wakes": wakes}, "endsAt": ends.UTC(),
		})
	}
	b, err := json.Marshal(alerts)
	if err != nil {
		panic(err) // it is made of texts and times
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+k.s.addr+"/in/"+k.key+"/alertmanager/api/v2/alerts", bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return k.do(req, nil) == nil
}

// send posts new alerts, alone and in batches, and ends some of them. Some of what got no answer is sent again until it does,
// as Prometheus would; the rest is left in doubt.
func (k *trial) send(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		size := 1
		if r.IntN(5) == 0 {
			size += 1 + r.IntN(4)
		}
		var batch []*sentAlert
		k.mu.Lock()
		for range size {
			a := &sentAlert{N: len(k.alerts) + 1, Wakes: r.IntN(2) == 0}
			k.alerts = append(k.alerts, a)
			batch = append(batch, a)
		}
		k.mu.Unlock()
		accepted := k.post(ctx, batch...)
		for again := r.IntN(2) == 0; !accepted && again && ctx.Err() == nil; {
			between(ctx, r, 10, 50)
			accepted = k.post(ctx, batch...)
		}
		k.mu.Lock()
		for _, a := range batch {
			a.Accepted = accepted
		}
		old := k.alerts[r.IntN(len(k.alerts))]
		ends := r.IntN(4) == 0 && old.Accepted && old.Over.IsZero()
		if ends {
			old.Over = time.Now()
		}
		k.mu.Unlock()
		if ends && k.post(ctx, old) {
			k.mu.Lock()
			old.Ended = true
			k.mu.Unlock()
		}
		between(ctx, r, 30, 250)
	}
}

// ack is what the acknowledger remembers of one page.
type ack struct {
	Via   string
	Tried time.Time // first
	At    time.Time // of the 2xx; zero when there was none
}

// acknowledge takes on about half of the pages that reached somebody, by the API or by the form that the message leads to.
func (k *trial) acknowledge(ctx context.Context, r *rand.Rand) {
	seen := map[string]bool{}
	for ctx.Err() == nil {
		between(ctx, r, 20, 200)
		for _, d := range k.received() {
			if d.Template != "page" || seen[d.Page] {
				continue
			}
			seen[d.Page] = true
			if r.IntN(2) == 0 {
				continue // it climbs to the end
			}
			between(ctx, r, 0, 500)
			a := &ack{Via: []string{"api", "mail"}[r.IntN(2)], Tried: time.Now()}
			k.mu.Lock()
			k.acks[d.Page] = a
			k.mu.Unlock()
			for try := 0; try < 1+r.IntN(10) && a.At.IsZero() && ctx.Err() == nil; try++ {
				if k.answer(ctx, d, a.Via) == nil {
					k.mu.Lock()
					a.At = time.Now()
					k.mu.Unlock()
				} else {
					between(ctx, r, 20, 100)
				}
			}
			break // look at the newest again
		}
	}
}

// answer acknowledges a page once.
func (k *trial) answer(ctx context.Context, d receipt, via string) error {
	if via == "api" {
		return k.call(ctx, 0, "POST", "/pages/"+d.Page+"/acknowledge", nil, nil)
	}
	link, err := url.Parse(d.AckURL)
	if err != nil {
		return err
	}
	form := url.Values{"token": {link.Query().Get("token")}}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+k.s.addr+link.Path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return k.do(req, nil)
}

// told is what the responder remembers of one incident that got a 2xx: only what got one itself.
type told struct {
	Number, Title string
	Notes         []string
	Steps         []int    // that are done
	Posts         []string // that are public
	Resolved      bool
}

// mostPosts keeps every incident with an update among the fifty that the status page lists.
const mostPosts = 45

// respond declares incidents, writes notes, does steps and tells users.
func (k *trial) respond(ctx context.Context, r *rand.Rand) {
	for n := 1; ctx.Err() == nil; n++ {
		between(ctx, r, 50, 300)
		i := &told{Title: fmt.Sprintf("Disturbance %d", n)}
		declaration := map[string]any{"project": "shop", "title": i.Title, "severity": "sev-3", "plan": "walk"}
		if got := k.received(); len(got) > 0 && got[len(got)-1].Page != "" {
			declaration["links"] = []string{got[len(got)-1].Page}
		}
		var made struct{ Number string }
		if k.call(ctx, 0, "POST", "/incidents", declaration, &made) != nil {
			continue
		}
		i.Number = made.Number
		k.mu.Lock()
		k.incidents = append(k.incidents, i)
		k.mu.Unlock()
		for part, do := range []func(context.Context, *told, string) bool{k.note, k.step, k.tell, k.note, k.step, k.resolve} {
			between(ctx, r, 0, 150)
			if r.IntN(5) > 0 && ctx.Err() == nil {
				do(ctx, i, fmt.Sprintf("%s, part %d.", i.Title, part))
			}
		}
	}
}

func (k *trial) note(ctx context.Context, i *told, text string) bool {
	ok := k.call(ctx, 0, "POST", "/incidents/"+i.Number+"/notes", map[string]string{"text": text}, nil) == nil
	if ok {
		i.Notes = append(i.Notes, text)
	}
	return ok
}

func (k *trial) step(ctx context.Context, i *told, _ string) bool {
	number := len(i.Steps) + 1
	ok := k.call(ctx, 0, "POST", fmt.Sprintf("/incidents/%s/steps/%d/done", i.Number, number), nil, nil) == nil
	if ok {
		i.Steps = append(i.Steps, number)
	}
	return ok
}

func (k *trial) resolve(ctx context.Context, i *told, _ string) bool {
	i.Resolved = k.call(ctx, 0, "POST", "/incidents/"+i.Number+"/resolve", map[string]any{}, nil) == nil
	return i.Resolved
}

// tell drafts a public update with one token and approves it with the other, again until it is answered.
func (k *trial) tell(ctx context.Context, i *told, text string) bool {
	if k.published >= mostPosts {
		return false
	}
	var post struct{ ID string }
	draft := map[string]any{"incident": i.Number, "title": i.Title, "status": "investigating", "body": text}
	if k.call(ctx, 0, "POST", "/posts", draft, &post) != nil {
		return false
	}
	k.published++
	for ctx.Err() == nil {
		err := k.call(ctx, 1, "POST", "/posts/"+post.ID+"/approve", nil, nil)
		var status *statusError
		if err == nil || errors.As(err, &status) && status.code == http.StatusConflict { // done before, and the answer was lost
			i.Posts = append(i.Posts, text)
			return true
		}
		time.Sleep(30 * time.Millisecond) // real: the server is being started again
	}
	return false
}
