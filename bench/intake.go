package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	seconds = flag.Int("seconds", 60, "how long each load of intake and loaded lasts; only 60 and more is kept as a result")
	only    = flag.String("only", "", "only these, such as sqlite/64,alertmanager/1 of intake and sqlite of loaded and open")
	rate    = flag.Float64("rate", -1, "of intake: alerts a second; 0 is as fast as it goes; default: what is promised")
)

// intakeWorld is a project with a service, whose one route pages nobody: what one receiver without a channel is to Alertmanager.
const intakeWorld = `
{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}
---
{apiVersion: mainstay/v1, kind: Service, metadata: {name: checkout, project: shop}}
---
{apiVersion: mainstay/v1, kind: Route, metadata: {name: all, project: shop}, spec: {service: checkout}}
`

// taken is what a load of one size was to one server.
type taken struct {
	outcome
	cpu, database float64 // seconds, of the server and of PostgreSQL
	peak          float64 // MB
	lag           float64 // seconds after the last answer until every subscriber was done
	bytes         float64 // of database per alert
}

func (t taken) perCPU() float64 { return float64(t.alerts) / (t.cpu + t.database) }

// benchIntake loads us on both databases and Alertmanager with the same new alerts, one after the other, in requests of 64 and of 1.
func benchIntake() (*result, error) {
	bin, err := buildPeer()
	if err != nil {
		return nil, err
	}
	r := &result{Notes: []string{
		fmt.Sprintf("each server alone for %d s at the promised rate, over 16 connections by 64 and 32 by 1; the generator runs on the same two cores; every alert is new and stays open", *seconds),
		"ours: one project, one service, one route that pages nobody; Alertmanager: one receiver without a channel, group_by alertname, its defaults, no cluster; it keeps alerts in memory alone",
		"CPU seconds are the server's own, on PostgreSQL with those of the database server; afterwards the bench has read every alert by the API, once each, and journal verify has counted their facts",
	}}
	for _, by := range []int{64, 1} {
		results := map[string]taken{}
		for _, who := range []string{"sqlite", "postgres", "alertmanager", "debian"} {
			if *only != "" && !slices.Contains(strings.Split(*only, ","), fmt.Sprintf("%s/%d", who, by)) {
				continue
			}
			l := &load{by: by, conns: map[int]int{64: 16, 1: 32}[by], rate: map[int]float64{64: 20_000, 1: 6_000}[by]}
			if who == "postgres" && by == 64 {
				l.rate = 15_000
			}
			if *rate >= 0 {
				l.rate = *rate
			}
			var t taken
			switch who {
			case "alertmanager":
				t, err = loadPeer(bin, l)
			case "debian":
				if _, serr := os.Stat("/usr/bin/prometheus-alertmanager"); serr != nil {
					continue
				}
				t, err = loadPeer("/usr/bin/prometheus-alertmanager", l)
			default:
				t, err = loadOurs(who, l)
			}
			if err != nil {
				return nil, fmt.Errorf("%s by %d: %w", who, by, err)
			}
			results[who] = t
			t.report(who, by)
		}
		r.Figures = append(r.Figures, intakeFigures(by, results)...)
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), engine+"/pages") {
			continue
		}
		list, err := paged(engine)
		if err != nil {
			return nil, fmt.Errorf("%s, pages: %w", engine, err)
		}
		r.Figures = append(r.Figures, list...)
	}
	return r, nil
}

func (t taken) report(who string, by int) {
	fmt.Fprintf(os.Stderr, "%-13s by %2d: %8d alerts, %7.0f/s, CPU %6.2f + %5.2f s, %7.0f per CPU second, wait p50 %.1f p99 %.1f max %.1f ms, lag %.2f s, peak %.0f MB, %.0f bytes each, busy %d\n",
		who, by, t.alerts, float64(t.alerts)/t.took.Seconds(), t.cpu, t.database, t.perCPU(), quantile(t.waits, .5), quantile(t.waits, .99),
		quantile(t.waits, 1), t.lag, t.peak, t.bytes, t.busy)
}

func intakeFigures(by int, results map[string]taken) (list []figure) {
	promises := map[string]float64{"sqlite64": 20_000, "postgres64": 15_000, "sqlite1": 6_000}
	for _, who := range []string{"sqlite", "postgres", "alertmanager", "debian"} {
		t, ok := results[who]
		if !ok {
			continue
		}
		name := fmt.Sprintf("new alerts by %d, %s", by, map[string]string{
			"sqlite": "sqlite", "postgres": "postgres", "alertmanager": "Alertmanager " + peerVersion[1:], "debian": "Alertmanager of Debian",
		}[who])
		// The schedule ends a moment before the last answer: what is within a hundredth of the rate has kept up with it.
		list = append(list,
			figure{Name: name, Value: float64(t.alerts) / t.took.Seconds(), Unit: "/s", Promise: promises[who+strconv.Itoa(by)] * .99, AtLeast: true},
			figure{Name: name + ", per CPU second", Value: t.perCPU(), Unit: "alerts"},
			figure{Name: name + ", answer p99", Value: quantile(t.waits, .99), Unit: "ms"})
		if who == "sqlite" || who == "postgres" {
			list = append(list, figure{Name: name + ", subscribers behind at the end", Value: t.lag, Unit: "s", Promise: 1})
		}
	}
	ours, theirs := results["sqlite"], results["alertmanager"]
	if ours.alerts > 0 && theirs.alerts > 0 {
		list = append(list, figure{
			Name: fmt.Sprintf("alerts per CPU second by %d, ours to Alertmanager's", by), Value: ours.perCPU() / theirs.perCPU(), Unit: "times",
			Promise: map[int]float64{64: 3, 1: 2}[by], AtLeast: true,
		})
	}
	return list
}

// ours is a started server that takes alerts in.
func startIntake(engine, manifest string, flags ...string) (s *server, key, token string, err error) {
	if s, err = newServer(engine); err != nil {
		return nil, "", "", err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err = s.apply(manifest); err != nil {
		return nil, "", "", err
	}
	if key, err = s.mainstay("", "key", "create", "--project", "shop", "--format", "alertmanager"); err != nil {
		return nil, "", "", err
	}
	if token, err = s.mainstay("", "token", "create", "--name", "bench", "--role", "administrator"); err != nil {
		return nil, "", "", err
	}
	_, err = s.start(flags...)
	return s, key, token, err
}

func loadOurs(engine string, l *load) (t taken, err error) {
	s, key, token, err := startIntake(engine, intakeWorld)
	if err != nil {
		return t, err
	}
	defer s.stop()
	facts, err := s.facts()
	if err != nil {
		return t, err
	}
	master := 0
	if engine == "postgres" {
		if master = postmaster(os.Getenv("MAINSTAY_TEST_POSTGRES")); master == 0 {
			return t, fmt.Errorf("the database server's process cannot be found, so its CPU seconds cannot be measured")
		}
	}
	l.addr, l.path, l.starts = s.addr, "/in/"+key+"/alertmanager/api/v2/alerts", time.Now()
	if err := l.warm(); err != nil {
		return t, err
	}
	before, err := s.spent(master)
	if err != nil {
		return t, err
	}
	if t.outcome, err = l.measure(); err != nil {
		return t, err
	}
	if t.lag, err = s.lag(10 * time.Second); err != nil {
		return t, err
	}
	after, err := s.spent(master)
	if err != nil {
		return t, err
	}
	t.cpu, t.database = after[0]-before[0], after[1]-before[1]
	if t.peak, err = s.peak(); err != nil {
		return t, err
	}
	all := l.first + t.alerts
	if t.bytes, err = s.size(); err != nil {
		return t, err
	}
	t.bytes /= float64(all)
	if err := s.complete(token, all); err != nil {
		return t, err
	}
	now, err := s.facts()
	if err == nil && now-facts != all {
		err = fmt.Errorf("%d alerts have %d facts", all, now-facts)
	}
	return t, err
}

// warm posts a second's worth of alerts, so that what is prepared once is prepared.
func (l *load) warm() error {
	w := &load{addr: l.addr, path: l.path, auth: l.auth, by: l.by, conns: l.conns, starts: l.starts, rate: cmp.Or(l.rate, 10_000)}
	out, err := w.run(0, time.Second)
	l.first = out.alerts
	return err
}

func (l *load) measure() (outcome, error) { return l.run(0, time.Duration(*seconds)*time.Second) }

// spent is the processor time of the server and of the database.
func (s *server) spent(postmaster int) (spent [2]float64, err error) {
	if spent[0], err = s.cpu(); err == nil && postmaster != 0 {
		spent[1], err = family(postmaster)
	}
	return spent, err
}

var lagLine = regexp.MustCompile(`mainstay_subscriber_lag_facts\{subscriber="[^"]*"\} (\d+)`)

// lag waits until no subscriber of the journal is behind, and returns how long that took.
func (s *server) lag(atMost time.Duration) (float64, error) {
	for began := time.Now(); time.Since(began) < atMost; time.Sleep(2 * time.Millisecond) { // real: another process
		text, err := s.get("/metrics", "")
		if err != nil {
			return 0, err
		}
		found := lagLine.FindAllStringSubmatch(string(text), -1)
		if len(found) > 0 && !slices.ContainsFunc(found, func(m []string) bool { return m[1] != "0" }) {
			return time.Since(began).Seconds(), nil
		}
	}
	return 0, fmt.Errorf("subscribers are still behind after %s", atMost)
}

func (s *server) get(path, token string) ([]byte, error) {
	req, err := http.NewRequest("GET", "http://"+s.addr+path, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != 200 {
		err = fmt.Errorf("GET %s: %s: %.300s", path, res.Status, b)
	}
	return b, err
}

var (
	listed = regexp.MustCompile(`"n":"(\d{10})"`)
	cursor = regexp.MustCompile(`"next":"([^"]*)"`)
)

// complete reads every alert by the API and makes sure that each of those that were acknowledged is there, once.
func (s *server) complete(token string, alerts int64) error {
	seen := make([]bool, alerts)
	for next := ""; ; {
		text, err := s.get("/api/v1/alerts?limit=1000&cursor="+next, token)
		if err != nil {
			return err
		}
		for _, m := range listed.FindAllSubmatch(text, -1) {
			n, err := strconv.ParseInt(string(m[1]), 10, 64)
			switch {
			case err != nil || n >= alerts:
				return fmt.Errorf("an alert has the id %s, which was never sent", m[1])
			case seen[n]:
				return fmt.Errorf("alert %d is there twice", n)
			}
			seen[n] = true
		}
		m := cursor.FindSubmatch(text)
		if m == nil {
			return fmt.Errorf("a list without next: %.200s", text)
		}
		if next = string(m[1]); next == "" {
			break
		}
	}
	for n, ok := range seen {
		if !ok {
			return fmt.Errorf("alert %d was acknowledged and is missing", n)
		}
	}
	return nil
}

var verified = regexp.MustCompile(`(?m)^shop +(\d+) +(\d+) +whole$`)

// facts is how many facts the project has, whose chain is found to be whole.
func (s *server) facts() (int64, error) {
	out, err := s.mainstay("", "journal", "verify")
	if err != nil {
		return 0, err
	}
	m := verified.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("journal verify: %s", out)
	}
	return strconv.ParseInt(m[1], 10, 64)
}

// size is how many bytes the database has on disk.
func (s *server) size() (float64, error) {
	if s.schema == "" {
		info, err := os.Stat(s.dir + "/mainstay.db")
		if err != nil {
			return 0, err
		}
		return float64(info.Size()), nil
	}
	out, err := exec.Command("psql", os.Getenv("MAINSTAY_TEST_POSTGRES"), "-Atqc",
		"SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = '"+s.schema+"'").Output()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func loadPeer(bin string, l *load) (t taken, err error) {
	p, err := startPeer(bin, peerConfig)
	if err != nil {
		return t, err
	}
	defer p.stop()
	l.addr, l.path, l.starts = p.addr, "/api/v2/alerts", time.Now()
	if err := l.warm(); err != nil {
		return t, err
	}
	before, err := p.cpu()
	if err != nil {
		return t, err
	}
	if t.outcome, err = l.measure(); err != nil {
		return t, err
	}
	after, err := p.cpu()
	if err != nil {
		return t, err
	}
	t.cpu = after - before
	if t.peak, err = p.process.peak(); err != nil {
		return t, err
	}
	n, err := p.alerts()
	if err == nil && n != l.first+t.alerts {
		err = fmt.Errorf("it has %d alerts of %d", n, l.first+t.alerts)
	}
	return t, err
}
