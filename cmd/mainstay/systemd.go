package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay/app"
)

// tellSystemd says what the server is doing to a service manager that waits for it (Type=notify); without one it does nothing.
func tellSystemd(state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	if strings.HasPrefix(path, "@") { // a name in the abstract namespace
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the message is out
	_, err = c.Write([]byte(state))
	return err
}

// watchdogEvery is how often the service manager wants to hear that all is well (WatchdogSec), 0 when it does not ask.
func watchdogEvery() time.Duration {
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 || os.Getenv("WATCHDOG_PID") != "" && os.Getenv("WATCHDOG_PID") != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(us) * time.Microsecond / 3
}

// watchdog tells the service manager for as long as the database answers; one that hears nothing starts the server anew.
func watchdog(ctx context.Context, a *app.App) {
	every := watchdogEvery()
	if every == 0 {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, every)
		_, err := a.Projects.Projects(ask)
		cancel()
		if err == nil {
			err = tellSystemd("WATCHDOG=1")
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "mainstay: nothing to tell the watchdog:", err)
		}
	}
}
