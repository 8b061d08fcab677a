package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// benchRestore makes a million facts by the intake, backs them up, and restores them into an empty installation of each database.
func benchRestore() (*result, error) {
	const facts = 1_000_000
	r := &result{Notes: []string{
		"a million alerts, hence a million facts, come in by the intake of the embedded database; backup and restore are the commands, each with its own check of what it wrote",
	}}
	s, key, _, err := startIntake("sqlite", intakeWorld)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	before, err := s.facts()
	if err != nil {
		return nil, err
	}
	l := &load{addr: s.addr, path: "/in/" + key + "/alertmanager/api/v2/alerts", by: 64, conns: 16, starts: time.Now()}
	if _, err := l.run(facts, 0); err != nil {
		return nil, err
	}
	if _, err := s.lag(time.Minute); err != nil {
		return nil, err
	}
	file := filepath.Join(s.dir, "bench.backup")
	began := time.Now()
	if _, err := s.mainstay("", "backup", file); err != nil {
		return nil, err
	}
	r.Figures = append(r.Figures, figure{Name: "backup of 1,000,000 facts beside the running server", Value: time.Since(began).Seconds(), Unit: "s"})
	if info, err := os.Stat(file); err == nil {
		r.Figures = append(r.Figures, figure{Name: "size of the backup", Value: float64(info.Size()) / 1e6, Unit: "MB"})
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		list, err := restoreInto(engine, file, before+facts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
		r.Figures = append(r.Figures, list...)
	}
	return r, nil
}

// restoreInto measures restore on the engine, and that all facts are there and whole.
func restoreInto(engine, file string, least int64) ([]figure, error) {
	s, err := newServer(engine)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := os.RemoveAll(s.dir); err != nil { // the disk was lost
		return nil, err
	}
	cmd := exec.Command(s.bin, append([]string{"restore", file}, s.db...)...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	if n, err := s.facts(); err != nil || n < least {
		return nil, fmt.Errorf("%d of %d facts are there (%w): %s", n, least, err, strings.TrimSpace(string(out)))
	}
	usage := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	name := "restore of 1,000,000 facts, " + engine
	return []figure{
		{Name: name, Value: took.Seconds(), Unit: "s", Promise: 60},
		{Name: name + ", CPU of the command", Value: usage.Seconds(), Unit: "s"},
	}, nil
}
