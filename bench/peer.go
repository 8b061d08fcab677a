package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// peerVersion is the Alertmanager that we are compared with.
const peerVersion = "v0.34.0"

// peerConfig has every alert go one way and nobody told, as our configuration has. The rest are Alertmanager's defaults.
const peerConfig = `
route: {receiver: nobody, group_by: [alertname]}
receivers: [{name: nobody}]
`

// buildPeer builds Alertmanager from its Go module, verified by the checksum database as any module. The module lacks the built pages,
// so an empty folder takes their place; nothing else is changed. The binary is kept in the user's cache.
func buildPeer() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "mainstay-bench")
	bin := filepath.Join(dir, fmt.Sprintf("alertmanager-%s-%s", peerVersion, runtime.Version()))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "bench: building Alertmanager", peerVersion, "…")
	src, err := os.MkdirTemp("", "alertmanager")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(src) //nolint:errcheck // a temporary folder
	cmd := exec.Command("go", "mod", "download", "-json", "github.com/prometheus/alertmanager@"+peerVersion)
	cmd.Dir = src // not ours: our go.mod is not asked
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if jerr := json.Unmarshal(out, &module); err != nil || jerr != nil || module.Dir == "" {
		return "", fmt.Errorf("fetching Alertmanager: %w, %s", err, module.Error)
	}
	work := filepath.Join(src, "alertmanager")
	if err := os.CopyFS(work, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	if err := filepath.WalkDir(work, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o755) //nolint:gosec // the module cache is read-only, and the copy is removed again
	}); err != nil {
		return "", err
	}
	pages := filepath.Join(work, "ui", "app", "dist")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(pages, "index.html"), []byte("no pages\n"), 0o600); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./cmd/alertmanager")
	build.Dir = work
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building Alertmanager: %w: %s", err, out)
	}
	return bin, nil
}

// peer is an Alertmanager at work.
type peer struct {
	process
	dir, addr string
}

func startPeer(bin, configuration string) (*peer, error) {
	dir, err := os.MkdirTemp("", "mainstay-bench-peer")
	if err != nil {
		return nil, err
	}
	p := &peer{dir: dir}
	if p.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, []byte(configuration), 0o600); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(bin, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.addr,
		"--cluster.listen-address=", "--log.level=error")
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) { // real: another process
		if res, err := http.Get("http://" + p.addr + "/-/ready"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p, nil
			}
		}
	}
	p.stop()
	return nil, fmt.Errorf("alertmanager did not become ready in 30 s")
}

func (p *peer) stop() {
	p.kill()
	_ = os.RemoveAll(p.dir)
}

// alerts is how many alerts it has, by its own count.
func (p *peer) alerts() (int64, error) {
	res, err := http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	text, err := io.ReadAll(res.Body)
	var n float64
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "alertmanager_alerts{") && strings.Contains(line, `state="active"`) ||
			strings.HasPrefix(line, "alertmanager_alerts{") && strings.Contains(line, `state="unprocessed"`) {
			v, err := strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64)
			if err != nil {
				return 0, err
			}
			n += v
		}
	}
	return int64(n), err
}
