package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a program under measurement.
type process struct{ cmd *exec.Cmd }

func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// memory is its resident set in MB (10^6 bytes).
func (p *process) memory() (float64, error) { return status(p.cmd.Process.Pid, "VmRSS:") }

// peak is the highest that its resident set was.
func (p *process) peak() (float64, error) { return status(p.cmd.Process.Pid, "VmHWM:") }

func status(pid int, line string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, line); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("no %s", line)
}

// cpu is the processor time that it has used, in seconds.
func (p *process) cpu() (float64, error) {
	s, err := readStat(p.cmd.Process.Pid)
	return s.own, err
}

// share is how much of a core it uses over a time, in percent.
func (p *process) share(d time.Duration) (float64, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	time.Sleep(d) // real: it is measured
	after, err := p.cpu()
	return 100 * (after - before) / d.Seconds(), err
}

// stat is what /proc/PID/stat says.
type stat struct {
	parent    int
	own, gone float64 // seconds of the process, and of children that have ended
}

func readStat(pid int) (s stat, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	var ticks [4]float64
	for i := range ticks {
		if ticks[i], err = strconv.ParseFloat(f[11+i], 64); err != nil {
			return s, err
		}
	}
	s.parent, err = strconv.Atoi(f[1])
	s.own, s.gone = (ticks[0]+ticks[1])/100, (ticks[2]+ticks[3])/100 // USER_HZ is 100 on Linux
	return s, err
}

// family is the processor time of a process, its children, and those that have ended: of PostgreSQL from its postmaster down.
func family(parent int) (float64, error) {
	s, err := readStat(parent)
	if err != nil {
		return 0, err
	}
	total := s.own + s.gone
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(filepath.Base(d))
		if err != nil {
			continue
		}
		if c, err := readStat(pid); err == nil && c.parent == parent { // it may have ended meanwhile
			total += c.own
		}
	}
	return total, nil
}

// postmaster is the process id of the PostgreSQL server, 0 when it is on another machine.
func postmaster(url string) int {
	out, err := exec.Command("psql", url, "-Atqc", "SHOW data_directory").Output()
	if err != nil {
		return 0
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}
