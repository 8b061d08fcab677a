package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	statusComponents = 50
	statusGroups     = 8
	statusChanges    = 21
)

// statusNginx serves one file with nothing that costs: the floor that the same bytes have on this machine.
const statusNginx = `
worker_processes 1; daemon off; pid %[1]s/nginx.pid; error_log %[1]s/error.log crit;
events {worker_connections 1024;}
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type text/html;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server {listen %[2]s; root %[1]s/www; gzip_static on;}
}
`

// loaded is what wrk and /proc say of one load.
type loaded struct {
	perSecond, perCPU float64
	p99               float64 // ms
}

// benchStatus measures the public status page with 50 components and 90 days of bars, and nginx with the same bytes.
func benchStatus() (*result, error) {
	wrk := os.Getenv("MAINSTAY_TEST_WRK")
	if wrk == "" {
		return nil, fmt.Errorf("MAINSTAY_TEST_WRK is not set: run it by make")
	}
	s, token, err := statusWorld()
	if err != nil {
		return nil, err
	}
	defer s.stop()
	page, err := fetchPlain("http://" + s.status + "/")
	if err != nil {
		return nil, err
	}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level exists
	_, _ = z.Write(page)
	_ = z.Close()
	r := &result{Notes: []string{
		fmt.Sprintf("%d components in %d groups, made by manifests; 90 days of bars with four outages each, put into the database by SQL, since neither manifests nor API write the past", statusComponents, statusGroups),
		"wrk -t1 -c32 -d8s over loopback, on the two cores that also serve; CPU seconds are the server's own, from /proc; nginx serves the same bytes as a file, its compressed ones beforehand",
		"visible: from the answer to the API call that changes a component's state until the page says so, asked every 2 ms",
	}, Figures: []figure{
		{Name: "status page, size", Value: float64(len(page)) / 1000, Unit: "kB"},
		{Name: "status page, size compressed", Value: float64(zipped.Len()) / 1000, Unit: "kB", Promise: 50},
	}}
	ours, err := statusLoads(wrk, s.status, &s.process, "/", nil)
	if err != nil {
		return nil, err
	}
	nginx, err := statusPeer(wrk, page, zipped.Bytes())
	if err != nil {
		return nil, err
	}
	for i, as := range []string{"plain", "gzip"} {
		name := "status page, " + as
		r.Figures = append(r.Figures,
			figure{Name: name + ", per CPU second", Value: ours[i].perCPU, Unit: "req", Promise: 20_000, AtLeast: true},
			figure{Name: name, Value: ours[i].perSecond, Unit: "req/s"},
			figure{Name: name + ", p99 under that load", Value: ours[i].p99, Unit: "ms"})
		if nginx != nil {
			r.Figures = append(r.Figures,
				figure{Name: name + ", nginx, per CPU second", Value: nginx[i].perCPU, Unit: "req"},
				figure{Name: name + ", ours to nginx's", Value: ours[i].perCPU / nginx[i].perCPU, Unit: "times"})
		}
	}
	if nginx == nil {
		r.Notes = append(r.Notes, "nginx is not installed: it was not measured")
	}
	waits, err := statusVisible(s, token)
	if err != nil {
		return nil, err
	}
	r.Figures = append(r.Figures,
		figure{Name: "a change is visible after, median", Value: quantile(waits, .5), Unit: "ms"},
		figure{Name: "a change is visible after, slowest", Value: quantile(waits, 1), Unit: "ms", Promise: 2000})
	return r, nil
}

// statusWorld is a started server with the page that is promised.
func statusWorld() (s *server, token string, err error) {
	if s, err = newServer("postgres"); err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	var b strings.Builder
	b.WriteString("{apiVersion: mainstay/v1, kind: Project, metadata: {name: shop}}\n")
	for g := range statusGroups {
		fmt.Fprintf(&b, "---\n{apiVersion: mainstay/v1, kind: Component, metadata: {name: group-%d, project: shop}, spec: {title: Region %d, group: true, position: %d}}\n", g, g+1, g)
	}
	for c := range statusComponents {
		fmt.Fprintf(&b, "---\n{apiVersion: mainstay/v1, kind: Component, metadata: {name: part-%d, project: shop}, spec: {title: Component number %d, description: What it does for users in a few words, group: group-%d, position: %d}}\n",
			c, c+1, c%statusGroups, c)
	}
	if err = s.apply(b.String()); err != nil {
		return nil, "", err
	}
	if token, err = s.mainstay("", "token", "create", "--name", "bench", "--role", "administrator"); err != nil {
		return nil, "", err
	}
	if err = statusPast(s); err != nil {
		return nil, "", err
	}
	_, err = s.start()
	return s, token, err
}

// statusPast gives every component 90 days in which it was down four times, on days of its own.
func statusPast(s *server) error {
	const past = `
WITH part AS (SELECT id, row_number() OVER (ORDER BY name) AS n FROM component WHERE NOT is_group),
	base AS (SELECT (extract(epoch FROM now()) * 1e6)::BIGINT - 90 * 86400000000::BIGINT AS t),
	gone AS (DELETE FROM component_state WHERE component IN (SELECT id FROM part)),
	down AS (SELECT id, k, t + (20 * k + n % 19 + 1) * 86400000000::BIGINT AS from_at,
		t + (20 * k + n % 19 + 1) * 86400000000::BIGINT + (5 + (n * 7 + k * 13) % 90) * 60000000::BIGINT AS until_at,
		CASE WHEN (n + k) % 3 = 0 THEN 'major_outage' WHEN (n + k) % 3 = 1 THEN 'degraded_performance' ELSE 'partial_outage' END AS state
		FROM part, base, generate_series(0, 3) AS k)
INSERT INTO component_state (component, from_at, until_at, state)
SELECT id, from_at, until_at, state FROM down
UNION ALL SELECT id, t, (SELECT min(from_at) FROM down d WHERE d.id = part.id), 'operational' FROM part, base
UNION ALL SELECT d.id, d.until_at, COALESCE((SELECT min(n.from_at) FROM down n WHERE n.id = d.id AND n.k > d.k), 0), 'operational' FROM down d`
	cmd := exec.Command("psql", os.Getenv("MAINSTAY_TEST_POSTGRES"), "-qv", "ON_ERROR_STOP=1")
	cmd.Stdin = strings.NewReader("SET search_path = " + s.schema + ";" +
		// The rows of the present have the keys of none of the past, so one statement can do both.
		past + ";")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

func fetchPlain(url string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || res.ContentLength != int64(len(b))) {
		err = fmt.Errorf("%s answers %s, %d bytes", url, res.Status, len(b))
	}
	return b, err
}

var (
	wrkRate  = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkTotal = regexp.MustCompile(`(\d+) requests in`)
	wrkP99   = regexp.MustCompile(`99%\s+([0-9.]+)(us|ms|s)`)
)

// statusLoads loads a path plain and compressed.
func statusLoads(wrk, addr string, p *process, path string, spent func() (float64, error)) ([]loaded, error) {
	if spent == nil {
		spent = p.cpu
	}
	var list []loaded
	for _, as := range []string{"identity", "gzip"} {
		args := []string{"-t1", "-c32", "--latency", "-H", "Accept-Encoding: " + as, "http://" + addr + path}
		if out, err := exec.Command(wrk, append([]string{"-d1s"}, args...)...).CombinedOutput(); err != nil { // warm
			return nil, fmt.Errorf("wrk: %w: %s", err, out)
		}
		before, err := spent()
		if err != nil {
			return nil, err
		}
		out, err := exec.Command(wrk, append([]string{"-d8s"}, args...)...).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("wrk: %w: %s", err, out)
		}
		after, err := spent()
		if err != nil {
			return nil, err
		}
		l, err := readWrk(out, after-before)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%-21s %-8s %8.0f/s, %8.0f per CPU second, p99 %.2f ms\n", addr, as, l.perSecond, l.perCPU, l.p99)
		list = append(list, l)
	}
	return list, nil
}

func readWrk(out []byte, cpu float64) (l loaded, err error) {
	rate, total, p99 := wrkRate.FindSubmatch(out), wrkTotal.FindSubmatch(out), wrkP99.FindSubmatch(out)
	if rate == nil || total == nil || p99 == nil || bytes.Contains(out, []byte("Non-2xx")) || bytes.Contains(out, []byte("Socket errors")) {
		return l, fmt.Errorf("wrk: %s", out)
	}
	var n float64
	for _, v := range []struct {
		text []byte
		into *float64
	}{{rate[1], &l.perSecond}, {total[1], &n}, {p99[1], &l.p99}} {
		if *v.into, err = strconv.ParseFloat(string(v.text), 64); err != nil {
			return l, err
		}
	}
	l.p99 *= map[string]float64{"us": .001, "ms": 1, "s": 1000}[string(p99[2])]
	l.perCPU = n / cpu
	return l, nil
}

// statusPeer loads nginx with the same bytes; nil when it is not installed.
func statusPeer(wrk string, page, zipped []byte) ([]loaded, error) {
	const bin = "/usr/sbin/nginx"
	if _, err := os.Stat(bin); err != nil {
		return nil, nil //nolint:nilnil // not installed
	}
	dir, err := os.MkdirTemp("", "mainstay-bench-nginx")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	www := filepath.Join(dir, "www")
	addr, err := freeAddr()
	if err == nil {
		err = os.Mkdir(www, 0o755)
	}
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(statusNginx, dir, addr)
	if os.Getuid() == 0 {
		config = "user root;\n" + config // the folder is ours alone
	}
	for name, body := range map[string][]byte{"www/index.html": page, "www/index.html.gz": zipped, "nginx.conf": []byte(config)} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil { //nolint:gosec // served to all
			return nil, err
		}
	}
	p := &process{cmd: exec.Command(bin, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))}
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	defer func() {
		_ = p.cmd.Process.Signal(os.Interrupt) // its worker ends with it
		_ = p.cmd.Wait()
	}()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) { // real: another process
		got, err := fetchPlain("http://" + addr + "/")
		if err == nil && bytes.Equal(got, page) {
			break
		}
		if time.Since(began) > 5*time.Second {
			return nil, fmt.Errorf("nginx does not serve: %w", err)
		}
	}
	return statusLoads(wrk, addr, p, "/", func() (float64, error) { return family(p.cmd.Process.Pid) })
}

// statusVisible changes a component's state again and again, and measures until the page says so.
func statusVisible(s *server, token string) ([]float64, error) {
	states := []string{"major_outage", "operational"}
	var waits []float64
	for i := range statusChanges {
		state := states[i%2]
		req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/api/v1/components/part-7/state",
			strings.NewReader(fmt.Sprintf(`{"state": %q, "reason": "bench"}`, state)))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode >= 300 {
			return nil, fmt.Errorf("changing a state: %s: %s", res.Status, body)
		}
		began := time.Now()
		for {
			page, err := fetchPlain("http://" + s.status + "/")
			if err != nil {
				return nil, err
			}
			if bytes.Contains(page, []byte("Something is down")) == (state == "major_outage") {
				break
			}
			if time.Since(began) > 10*time.Second {
				return nil, fmt.Errorf("the page does not say %s after 10 s", state)
			}
			time.Sleep(2 * time.Millisecond) // real: the server is another process
		}
		waits = append(waits, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(time.Duration(i*37%500) * time.Millisecond) // real: changes come at any moment
	}
	slices.Sort(waits)
	return waits, nil
}
