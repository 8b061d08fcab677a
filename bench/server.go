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
	"strings"
	"time"
)

// server is the built binary at work.
type server struct {
	bin, dir, addr, status string
	schema                 string // of PostgreSQL, "" on SQLite
	db                     []string
	drop                   func()
	process
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
	s.schema = name
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
	s.kill()
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
