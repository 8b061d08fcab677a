package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A supervisor starts the server with JSON logs, waits until it is ready, and asks it to stop.
func TestServeLogsAsAskedAndStopsWhenAsked(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "log")
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // it was read
	stderr := os.Stderr
	os.Stderr = log
	defer func() { os.Stderr = stderr }()
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--status-listen", "127.0.0.1:0", "--log-format", "json"})
	}()
	lines := func() (list []map[string]any) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range strings.Split(string(b), "\n") {
			var v map[string]any
			if strings.HasPrefix(l, "{") && json.Unmarshal([]byte(l), &v) == nil {
				list = append(list, v)
			}
		}
		return list
	}
	ready := func() bool {
		for _, l := range lines() {
			if l["msg"] == "ready" && l["level"] == "INFO" && strings.HasPrefix(l["url"].(string), "http://127.0.0.1:") {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(20 * time.Second); !ready(); time.Sleep(10 * time.Millisecond) { // real: a server starts
		select {
		case c := <-code:
			t.Fatalf("it ended with %d before it was ready", c)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("it was not ready in 20 s: %v", lines())
		}
	}
	if b, err := os.ReadFile(name); err != nil || !strings.Contains(string(b), "/setup/") {
		t.Errorf("it does not say how to become the first administrator: %s", b)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case c := <-code:
		if c != 0 {
			t.Errorf("it stopped with the exit code %d", c)
		}
	case <-time.After(25 * time.Second):
		t.Fatal("it did not stop")
	}
	for _, l := range lines() {
		if l["level"] == "ERROR" || l["time"] == nil {
			t.Errorf("it logged %v", l)
		}
	}
}
