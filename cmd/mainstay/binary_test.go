package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
)

// binary is the program as it is released.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "mainstay-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "mainstay")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v1.2.3-test", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
}

// in is the folder, environment and input of commands.
type in struct {
	dir   string
	env   []string
	input string
}

// run runs the program until it ends, for at most a minute.
func (i in) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	c.Dir, c.Stdout, c.Stderr, c.Stdin = i.dir, &out, &errs, strings.NewReader(i.input)
	c.Env = append(clean(), i.env...)
	err := c.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatalf("mainstay %s: %v", strings.Join(args, " "), err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// clean is this process's environment without settings of Mainstay.
func clean() (env []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MAINSTAY_") {
			env = append(env, e)
		}
	}
	return env
}

// must runs a command that has to succeed, and returns what it printed.
func (i in) must(t *testing.T, args ...string) string {
	t.Helper()
	r := i.run(t, args...)
	if r.code != 0 {
		t.Fatalf("mainstay %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// refuses runs a command that has to fail with the code and to say why.
func (i in) refuses(t *testing.T, code int, why string, args ...string) {
	t.Helper()
	r := i.run(t, args...)
	if r.code != code || !regexp.MustCompile(why).MatchString(r.err) || !strings.HasPrefix(r.err, "mainstay: ") || r.out != "" {
		t.Errorf("mainstay %s: exit code %d, want %d and %q\nstdout %q\nstderr %q", strings.Join(args, " "), r.code, code, why, r.out, r.err)
	}
}

// database is where a test keeps its data: flags for commands, on each engine.
type database struct {
	in
	flags []string
	lite  bool
}

// databases runs f as a subtest on SQLite, in a folder that does not exist yet, and on PostgreSQL.
func databases(t *testing.T, f func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		f(t, database{in: in{dir: dir}, flags: []string{"--data", filepath.Join(dir, "new", "data")}, lite: true})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		f(t, database{in: in{dir: dir}, flags: []string{
			"--data", filepath.Join(dir, "data"), "--database-url", mainstaytest.Postgres(t), "--secret-key-file", filepath.Join(dir, "secret.key"),
		}})
	})
}

// with adds the flags of the database.
func (d database) with(args ...string) []string {
	return append(append([]string{}, args...), d.flags...)
}

// server is a running serve.
type server struct {
	cmd  *exec.Cmd
	log  *log
	url  string
	done chan struct{} // closed when it has ended
}

// log is what a process says, while it says it.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var readyLine = regexp.MustCompile(`msg=ready url=(\S+)`)

// serve starts a server on free ports and waits until it is ready.
func (d database) serve(t *testing.T, args ...string) *server {
	t.Helper()
	return d.begin(t, readyLine, append(d.with("serve", "--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0"), args...)...)
}

// begin starts a command that goes on, and waits until its log says where it answers.
func (d database) begin(t *testing.T, where *regexp.Regexp, args ...string) *server {
	t.Helper()
	s := &server{log: &log{}, done: make(chan struct{})}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr, s.cmd.Stdout = d.dir, append(clean(), d.env...), s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	t.Cleanup(func() { s.stop(t) })
	for end := time.Now().Add(20 * time.Second); s.url == ""; time.Sleep(5 * time.Millisecond) { // real: a process starts
		if m := where.FindStringSubmatch(s.log.String()); m != nil {
			s.url = m[1]
		} else if s.ended() || time.Now().After(end) {
			t.Fatalf("the server is not ready:\n%s", s.log)
		}
	}
	return s
}

func (s *server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stop asks the server to end, and expects that it does within five seconds and without a complaint. A second time it does nothing.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.ended() {
		return
	}
	asked := time.Now()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	if took := time.Since(asked); took > 5*time.Second || s.cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("after SIGTERM it took %s, and ended with %d:\n%s", took, s.cmd.ProcessState.ExitCode(), s.log)
	}
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("it logged an error:\n%s", s.log)
	}
}

// ask sends a request and returns the status and the body.
func (s *server) ask(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", map[bool]string{true: "application/json", false: "application/x-www-form-urlencoded"}[body[0] == '{' || body[0] == '['])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to the end below
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if to := res.Header.Get("Location"); to != "" {
		return res.StatusCode, to
	}
	return res.StatusCode, string(b)
}

// file writes a file into the folder of the commands and returns its path.
func (i in) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
