package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/app"
)

// TestTheWatchdogHearsAsLongAsTheDatabaseAnswers listens as a service manager does.
func TestTheWatchdogHearsAsLongAsTheDatabaseAnswers(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the folder goes as well
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "60000")
	a, err := app.Open(t.Context(), app.Config{Data: dir, SecretKeyFile: filepath.Join(dir, "secret.key")})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); watchdog(ctx, a) }()
	heard := func(within time.Duration) string {
		buf := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(within))
		n, _ := c.Read(buf)
		return string(buf[:n])
	}
	if got := heard(5 * time.Second); got != "WATCHDOG=1" {
		t.Errorf("it heard %q", got)
	}
	closeApp(a)
	for heard(200*time.Millisecond) != "" { // what was under way
	}
	if got := heard(200 * time.Millisecond); got != "" {
		t.Errorf("without a database it heard %q", got)
	}
	stop()
	<-done
}
