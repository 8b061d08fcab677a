package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The Debian package is built by the project's own script, unpacked as dpkg does it, and run as its unit runs it: with the
// configuration that it ships, by a service manager that wants to be told when it is ready.
func TestPackage(t *testing.T) {
	need(t, "binary")
	root := t.TempDir()
	deb := buildPackage(t, root)
	if out, err := exec.Command("dpkg-deb", "-x", deb, filepath.Join(root, "x")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	in := func(path string) string { return filepath.Join(root, "x", path) }
	for _, f := range []string{"usr/share/man/man1/mainstay-serve.1.gz", "usr/share/bash-completion/completions/mainstay",
		"usr/share/doc/mainstay/copyright", "etc/mainstay/mainstay.yaml"} {
		if _, err := os.Stat(in(f)); err != nil {
			t.Error(err)
		}
	}
	if out, err := exec.Command(in("usr/bin/mainstay"), "version").Output(); err != nil || string(out) != "mainstay v9.8.7-rc1\n" {
		t.Errorf("version: %q %v", out, err)
	}
	checkUnit(t, in("lib/systemd/system/mainstay.service"))
	runAsUnit(t, in("usr/bin/mainstay"), in("etc/mainstay/mainstay.yaml"))
}

func buildPackage(t *testing.T, root string) string {
	t.Helper()
	cmd := exec.Command("../scripts/package", "amd64")
	cmd.Env = append(os.Environ(), "VERSION=v9.8.7-rc1", "DIST="+filepath.Join(root, "dist"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	deb := filepath.Join(root, "dist", "mainstay_9.8.7~rc1_amd64.deb")
	out, err := exec.Command("dpkg-deb", "--field", deb, "Version").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "9.8.7~rc1" {
		t.Fatalf("%v: %s", err, out)
	}
	return deb
}

// checkUnit asks systemd's own judge of services; 0 is no exposure, 10 all of it, and an ordinary unit has 9.6.
func checkUnit(t *testing.T, unit string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("no systemd-analyze here: the unit is not judged")
		return
	}
	out, _ := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", unit).CombinedOutput()
	m := regexp.MustCompile(`exposure level for mainstay.service: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze says\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 2 {
		t.Errorf("exposure %s: more than 2\n%s", m[1], out)
	}
}

func runAsUnit(t *testing.T, bin, config string) {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close() //nolint:errcheck // the test ends
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	for from, to := range map[string]string{"/var/lib/mainstay": dir, "127.0.0.1:8080": addr, "127.0.0.1:8081": freeAddr(t)} {
		text = bytes.ReplaceAll(text, []byte(from), []byte(to))
	}
	own := filepath.Join(dir, "mainstay.yaml")
	if err := os.WriteFile(own, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "serve", "--config", own)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() //nolint:errcheck // it has ended, if all went well
	hear := func(want string) {
		buf := make([]byte, 100)
		_ = manager.SetReadDeadline(time.Now().Add(30 * time.Second))
		if n, err := manager.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("the service manager hears %q (%v), not %s", buf[:n], err, want)
		}
	}
	hear("READY=1")
	for _, ask := range [][]string{{"healthy", "--listen", addr}, {"healthy", "--ready", "--listen", addr}} {
		if out, err := exec.Command(bin, ask...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v %s", ask, err, out)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command(bin, "healthy", "--listen", addr).CombinedOutput(); err == nil {
		t.Errorf("a server that has ended is healthy: %s", out)
	}
}
