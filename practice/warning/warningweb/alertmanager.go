package warningweb

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/practice/warning"
	"github.com/mainstayhq/mainstay/web"
)

// The prefix under which Alertmanager's clients find us.
const amPrefix = "/alertmanager"

// amMethods are the methods of the paths that exist.
var amMethods = map[string]string{"alerts": "GET,POST", "status": "GET", "receivers": "GET"}

// alertmanager adds the routes of Alertmanager's API v2.
func (p *Pages) alertmanager(rt *web.Router) {
	raw := func(method, path string, perm access.Permission, h http.HandlerFunc) {
		rt.Raw(web.Route{Method: method, Pattern: amPrefix + path, Permission: perm, Refuse: p.amRefuse, MaxBody: -1, Urgent: method == "POST"},
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "no-store")
				h(w, r)
			}))
	}
	raw("GET", "/-/ready", access.Public, func(w http.ResponseWriter, r *http.Request) {
		if p.cfg.Warning.Ready() != nil {
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
			return
		}
		amOK(w, r)
	})
	raw("GET", "/-/healthy", access.Public, amOK)
	raw("GET", "/api/v2/alerts", access.AlertRead, p.bounded(p.amAlerts))
	raw("POST", "/api/v2/alerts", access.AlertRespond, p.amPost)
	raw("GET", "/api/v2/status", access.AlertRead, p.bounded(p.amStatus))
	raw("GET", "/api/v2/receivers", access.AlertRead, p.bounded(p.amReceivers))
	raw("", "/api/v1/{path...}", access.Public, func(w http.ResponseWriter, _ *http.Request) {
		amReply(w, amObject(410, 410, "the Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API"))
	})
	raw("", "/api/v2/{path...}", access.AlertRead, func(w http.ResponseWriter, r *http.Request) {
		if allow := amMethods[r.PathValue("path")]; allow != "" {
			w.Header().Set("Allow", allow)
			amReply(w, amObject(405, 405, fmt.Sprintf("method %s is not allowed, but [%s] are", r.Method, allow)))
			return
		}
		amReply(w, amObject(404, 404, fmt.Sprintf("path /api/v2/%s was not found", short(r.PathValue("path")))))
	})
}

func amOK(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "OK") // the client may have gone
}

func amReply(w http.ResponseWriter, a intake.Reply) {
	if a.Type != "" {
		w.Header().Set("Content-Type", a.Type)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may have gone
}

func (p *Pages) amRefuse(w http.ResponseWriter, _ *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if code := mainstay.ErrorCode(err); code == mainstay.Unavailable || code == mainstay.TooMany {
		w.Header().Set("Retry-After", intake.RetryAfter)
	}
	amReply(w, p.cfg.Format.Refuse(mainstay.ErrorCode(err), mainstay.ErrorMessage(err)))
}

// amObject is the shape of what the API's own layer refuses.
func amObject(status, code int, message string) intake.Reply {
	b := fmt.Appendf(nil, `{"code":%d,"message":`, code)
	return intake.Reply{Status: status, Type: "application/json", Body: append(intake.AppendString(b, message), '}')}
}

// amString is the shape of what Alertmanager itself refuses: a JSON string.
func amString(status int, message string) intake.Reply {
	return intake.Reply{Status: status, Type: "application/json", Body: append(intake.AppendString(nil, message), '\n')}
}

// amFail is the shape of an error of Alertmanager's own: a JSON string.
func amFail(w http.ResponseWriter, err error) {
	amReply(w, amString(intake.Status(mainstay.ErrorCode(err)), mainstay.ErrorMessage(err)))
}

// bounded lets so many reads in at once, and answers 503 to the rest.
func (p *Pages) bounded(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.gets <- struct{}{}:
			defer func() { <-p.gets }()
			h(w, r)
		default:
			http.Error(w, fmt.Sprintf("Limit of concurrent GET requests reached (%d), try again later.\n", cap(p.gets)), http.StatusServiceUnavailable)
		}
	}
}

// amBool reads a boolean parameter as Alertmanager does: true when absent, and false for every word that does not say yes.
func amBool(q url.Values, name string) bool {
	if !q.Has(name) || q.Get(name) == "" {
		return true
	}
	return slices.Contains([]string{"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"}, strings.ToLower(q.Get(name)))
}

func (p *Pages) amAlerts(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	match, err := parseMatchers(q["filter"])
	if err != nil {
		amFail(w, err)
		return
	}
	var receiver *regexp.Regexp
	if pattern := q.Get("receiver"); pattern != "" {
		if receiver, err = regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			amReply(w, amString(400, fmt.Sprintf("failed to parse receiver param: %v", err)))
			return
		}
	}
	active, now, timeout := amBool(q, "active"), p.cfg.Time.Now(), p.cfg.Warning.Timeout()
	list := p.cfg.Warning.Open(r.Context(), warning.Query{Projects: within(web.ViewerFrom(r.Context())), Match: match})
	list = slices.DeleteFunc(list, func(a *warning.Alert) bool {
		return !a.EndsAt.IsZero() && a.EndsAt.Before(now) || !active && a.State == warning.Firing ||
			receiver != nil && !receiver.MatchString(receiverOf(a))
	})
	slices.SortFunc(list, func(a, b *warning.Alert) int {
		return cmp.Or(cmp.Compare(a.Fingerprint, b.Fingerprint), cmp.Compare(a.Number, b.Number))
	})
	out := make([]byte, 0, 2+600*len(list))
	out = append(out, '[')
	for i, a := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendAlert(out, a, now, timeout)
	}
	out = append(out, "]\n"...)
	amReply(w, intake.Reply{Status: 200, Type: "application/json", Body: out})
}

const amTime = `"2006-01-02T15:04:05.000Z"`

// appendAlert appends an alert in the shape of Alertmanager. One without an end gets the end of a timeout that never comes.
func appendAlert(b []byte, a *warning.Alert, now time.Time, timeout time.Duration) []byte {
	ends := a.EndsAt
	if ends.IsZero() {
		ends = now.Add(timeout)
	}
	b = append(b, `{"annotations":`...)
	b = append(b, a.Annotations...)
	b = append(b, `,"endsAt":`...)
	b = ends.UTC().AppendFormat(b, amTime)
	b = append(b, `,"fingerprint":"`...)
	b = append(b, intake.FingerprintText(a.Fingerprint)...)
	b = append(b, `","receivers":[{"name":`...)
	b = intake.AppendString(b, receiverOf(a))
	b = append(b, `}],"startsAt":`...)
	b = a.StartsAt.UTC().AppendFormat(b, amTime)
	b = append(b, `,"status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"},"updatedAt":`...)
	b = a.UpdatedAt.UTC().AppendFormat(b, amTime)
	if a.GeneratorURL != "" {
		b = append(b, `,"generatorURL":`...)
		b = intake.AppendString(b, a.GeneratorURL)
	}
	b = append(b, `,"labels":`...)
	b = append(b, a.Labels...)
	return append(b, '}')
}

// nobody is the receiver of alerts for which nobody is paged.
const nobody = "nobody"

func receiverOf(a *warning.Alert) string { return cmp.Or(a.Policy, nobody) }

// amPost takes alerts in from whoever holds a token.
func (p *Pages) amPost(w http.ResponseWriter, r *http.Request) {
	limits := p.cfg.Limits().Filled()
	held := intake.Holds(r.ContentLength, r.Header.Get("Content-Encoding") != "", limits)
	defer func() { p.held.Add(-held) }()
	if p.held.Add(held) > intake.InFlight && held > intake.LeastHeld {
		p.amRefuse(w, r, intake.ErrFull)
		return
	}
	body, err := readBody(w, r, limits)
	if err != nil {
		p.amRefuse(w, r, err)
		return
	}
	now := p.cfg.Time.Now()
	parsed := p.cfg.Format.Parse(&intake.Request{Method: r.Method, Path: "/api/v2/alerts", Body: body, Now: now}, limits)
	if len(parsed.Signals) == 0 {
		amReply(w, parsed.Reply)
		return
	}
	faults := &faulty{list: parsed.Faults, any: parsed.Partial}
	batches, err := p.share(r.Context(), parsed.Signals, faults, body, now)
	if err == nil && len(batches) > 0 {
		err = p.cfg.Warning.Take(r.Context(), batches...)
	}
	switch {
	case err != nil:
		p.amRefuse(w, r, err)
	case faults.any:
		amReply(w, amString(http.StatusBadRequest, strings.Join(faults.list, "; ")))
	default:
		amReply(w, parsed.Reply)
	}
}

// faulty is what is wrong with the alerts of a request that are not kept.
type faulty struct {
	list []string
	any  bool
}

// add notes a fault, of which a sender needs to see only some.
func (f *faulty) add(fault string) {
	f.any = true
	if len(f.list) < 20 {
		f.list = append(f.list, fault)
	}
}

func readBody(w http.ResponseWriter, r *http.Request, l intake.Limits) ([]byte, error) {
	in, limit := io.Reader(http.MaxBytesReader(w, r.Body, l.Body)), l.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, mainstay.Errorf(mainstay.Invalid, "The body is not gzip, as its encoding says.")
		}
		in, limit = io.LimitReader(z, l.Unpacked+1), l.Unpacked
	}
	body, err := io.ReadAll(in)
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big) || int64(len(body)) > limit:
		return nil, mainstay.Errorf(mainstay.TooLarge, "The body is too large: at most %d bytes are accepted. Send less at a time.", limit)
	case err != nil:
		return nil, mainstay.Errorf(mainstay.Invalid, "The body cannot be read: it ends early, or is not what its encoding says.")
	}
	return body, nil
}

// share finds the project of each signal. What has none that the viewer may write to is a fault.
func (p *Pages) share(ctx context.Context, signals []intake.Signal, faults *faulty, body []byte, now time.Time) ([]*intake.Batch, error) {
	home, byKey, err := p.writable(ctx)
	if err != nil {
		return nil, err
	}
	groups := map[string]*intake.Batch{}
	var list []*intake.Batch
	for _, s := range signals {
		project := home
		if name := s.Labels.Get("project"); name != "" {
			if project = byKey[name]; project == "" && home == "" {
				faults.add(fmt.Sprintf("there is no project %q, or the token may not write to it", short(name)))
				continue
			}
			project = cmp.Or(project, home)
		}
		if project == "" {
			faults.add("the label project is missing: the token may write to several projects, so each alert must name one")
			continue
		}
		b := groups[project]
		if b == nil {
			b = &intake.Batch{Project: project, Format: p.cfg.Format.Name(), At: now}
			groups[project] = b
			list = append(list, b)
		}
		b.Signals = append(b.Signals, s)
	}
	for _, b := range list {
		text := body
		if len(list) > 1 || faults.any {
			text = rewrite(b.Signals) // only what belongs to the project, so that reading it again gives the same
		}
		b.Body = s2.Encode(nil, text)
	}
	return list, nil
}

// writable are the projects that the viewer may write to, by id and name, and the one that is meant without a label: the only
// one that the token is for, else the default, else the only one there is.
func (p *Pages) writable(ctx context.Context) (home string, byKey map[string]string, err error) {
	v := web.ViewerFrom(ctx)
	list, err := p.cfg.Projects.Projects(ctx)
	if err != nil {
		return "", nil, err
	}
	byKey = map[string]string{}
	var may []string
	for _, x := range list {
		if v.May(access.AlertRespond, x.ID) {
			byKey[x.ID], byKey[x.Name] = x.ID, x.ID
			may = append(may, x.ID)
		}
	}
	all, own := v.Projects(access.AlertRespond)
	switch d := p.cfg.Default(); {
	case !all && len(own) == 1:
		home = own[0]
	case d != "" && v.May(access.AlertRespond, d):
		home = d
	case len(list) == 1 && len(may) == 1:
		home = may[0]
	}
	return home, byKey, nil
}

// rewrite writes signals as Alertmanager's clients post them.
func rewrite(signals []intake.Signal) []byte {
	b := []byte{'['}
	for i, s := range signals {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"labels":`...)
		b = s.Labels.AppendJSON(b)
		b = append(b, `,"annotations":`...)
		b = s.Annotations.AppendJSON(b)
		b = append(b, `,"startsAt":`...)
		b = s.StartsAt.UTC().AppendFormat(b, `"`+time.RFC3339Nano+`"`)
		if !s.EndsAt.IsZero() {
			b = append(b, `,"endsAt":`...)
			b = s.EndsAt.UTC().AppendFormat(b, `"`+time.RFC3339Nano+`"`)
		}
		if s.GeneratorURL != "" {
			b = append(b, `,"generatorURL":`...)
			b = intake.AppendString(b, s.GeneratorURL)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// amRoutes are the routes of the projects that the viewer may see, in the order in which they decide.
func (p *Pages) amRoutes(ctx context.Context) ([]warning.Route, error) {
	projects := within(web.ViewerFrom(ctx))
	list, err := p.cfg.Warning.Routes(ctx, "")
	return slices.DeleteFunc(list, func(r warning.Route) bool { return projects != nil && !slices.Contains(projects, r.Project) }), err
}

func receivers(routes []warning.Route) []string {
	names := []string{nobody}
	for _, r := range routes {
		if n := r.Spec.Policy; n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func (p *Pages) amReceivers(w http.ResponseWriter, r *http.Request) {
	routes, err := p.amRoutes(r.Context())
	if err != nil {
		amFail(w, err)
		return
	}
	type named struct {
		Name string `json:"name"`
	}
	out := []named{}
	for _, n := range receivers(routes) {
		out = append(out, named{n})
	}
	amJSON(w, out)
}

func amJSON(w http.ResponseWriter, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		amFail(w, err)
		return
	}
	amReply(w, intake.Reply{Status: 200, Type: "application/json", Body: b.Bytes()})
}

// amSpoken is the version of Alertmanager whose API we speak; clients choose by it what they may ask for.
const amSpoken = "0.28.0"

func (p *Pages) amStatus(w http.ResponseWriter, r *http.Request) {
	routes, err := p.amRoutes(r.Context())
	if err != nil {
		amFail(w, err)
		return
	}
	original, err := amConfig(routes, p.cfg.Warning.Timeout())
	if err != nil {
		amFail(w, err)
		return
	}
	version := cmp.Or(p.cfg.Version, "dev")
	amJSON(w, map[string]any{
		"cluster": map[string]any{"status": "disabled", "peers": []string{}},
		"versionInfo": map[string]string{
			"version": amSpoken, "revision": version, "branch": "mainstay", "buildUser": "mainstay", "buildDate": "", "goVersion": runtime.Version(),
		},
		"config": map[string]string{"original": original},
		"uptime": json.RawMessage(p.began.UTC().AppendFormat(nil, amTime)),
	})
}

// amConfig writes routes as a configuration that Alertmanager's tools read.
func amConfig(routes []warning.Route, timeout time.Duration) (string, error) {
	type route struct {
		Receiver string   `yaml:"receiver"`
		Matchers []string `yaml:"matchers,omitempty"`
		Continue bool     `yaml:"continue"`
		Routes   []route  `yaml:"routes,omitempty"`
	}
	type receiver struct {
		Name string `yaml:"name"`
	}
	var config struct {
		Global struct {
			ResolveTimeout string `yaml:"resolve_timeout"`
		} `yaml:"global"`
		Route     route      `yaml:"route"`
		Receivers []receiver `yaml:"receivers"`
		Templates []string   `yaml:"templates"`
	}
	config.Global.ResolveTimeout = promTime(timeout)
	config.Route.Receiver, config.Templates = nobody, []string{}
	for _, r := range routes {
		out := route{Receiver: cmp.Or(r.Spec.Policy, nobody)}
		for _, l := range intake.LabelsOf(r.Spec.Match) {
			out.Matchers = append(out.Matchers, l.Name+"="+amQuote(l.Value))
		}
		for _, l := range intake.LabelsOf(r.Spec.MatchRegex) {
			out.Matchers = append(out.Matchers, l.Name+"=~"+amQuote(l.Value))
		}
		config.Route.Routes = append(config.Route.Routes, out)
	}
	for _, n := range receivers(routes) {
		config.Receivers = append(config.Receivers, receiver{n})
	}
	b, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("writing the Alertmanager configuration: %w", err)
	}
	return string(b), nil
}

// promTime is a duration as Prometheus writes it, in its largest whole unit: 5m, 90s.
func promTime(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

func amQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
