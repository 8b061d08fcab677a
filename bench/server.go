package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// server is the built binary at work.
type server struct {
	bin, dir, addr, status string
	db                     []string
	cmd                    *exec.Cmd
	drop                   func()
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	return l.Addr().String(), nil
}

func newServer(engine string) (*server, error) {
	bin := os.Getenv("MAINSTAY_TEST_BINARY")
	if bin == "" {
		return nil, fmt.Errorf("MAINSTAY_TEST_BINARY is not set: run it by make")
	}
	dir, err := os.MkdirTemp("", "mainstay-bench")
	if err != nil {
		return nil, err
	}
	s := &server{bin: bin, dir: dir, db: []string{"--data", dir}, drop: func() {}}
	if s.addr, err = freeAddr(); err != nil {
		return nil, err
	}
	if s.status, err = freeAddr(); err != nil {
		return nil, err
	}
	if engine == "postgres" {
		err = s.usePostgres()
	}
	return s, err
}

func (s *server) usePostgres() error {
	base := os.Getenv("MAINSTAY_TEST_POSTGRES")
	if base == "" {
		return fmt.Errorf("MAINSTAY_TEST_POSTGRES is not set: run it by make")
	}
	name := fmt.Sprintf("bench%d", time.Now().UnixNano())
	if out, err := exec.Command("psql", base, "-qc", "CREATE SCHEMA "+name).CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	s.drop = func() { _ = exec.Command("psql", base, "-qc", "DROP SCHEMA "+name+" CASCADE").Run() }
	u, err := url.Parse(base)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	s.db = append(s.db, "--database-url", u.String(), "--secret-key-file", filepath.Join(s.dir, "secret.key"))
	return nil
}

// start runs the server and returns how long it took until the first page answered.
func (s *server) start(flags ...string) (time.Duration, error) {
	args := append([]string{"serve", "--listen", s.addr, "--status-listen", s.status, "--log-level", "warn"}, s.db...)
	s.cmd = exec.Command(s.bin, append(args, flags...)...)
	s.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	for time.Since(began) < 30*time.Second {
		if res, err := http.Get("http://" + s.addr + "/-/ready"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		time.Sleep(2 * time.Millisecond) // real: the server is another process
	}
	return 0, fmt.Errorf("the server did not become ready in 30 s")
}

func (s *server) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s.drop()
	_ = os.RemoveAll(s.dir)
}

func (s *server) mainstay(stdin string, args ...string) (string, error) {
	cmd := exec.Command(s.bin, append(args, s.db...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("mainstay %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// apply brings a manifest to the server's database.
func (s *server) apply(manifest string) error {
	file := filepath.Join(s.dir, "bench.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		return err
	}
	_, err := s.mainstay("", "apply", "-f", file)
	return err
}

func (s *server) post(path, body string) error {
	res, err := http.Post("http://"+s.addr+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return err
}

// memory is the server's resident set in MB (10^6 bytes).
func (s *server) memory() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("no VmRSS")
}

// cpu is the processor time that the server has used, in seconds.
func (s *server) cpu() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, err := strconv.ParseFloat(f[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100, err // USER_HZ is 100 on Linux
}
