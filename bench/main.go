// Command bench measures the promises of the README on the built binary and writes each result, with commit, machine and command,
// to bench/results. It imports none of our packages.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figure is one measured number against its promise.
type figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Promise float64 `json:"promise,omitempty"` // 0 when nothing is promised
	AtLeast bool    `json:"atLeast,omitempty"` // the promise is a lower bound
}

func (f figure) kept() string {
	switch {
	case f.Promise == 0:
		return ""
	case f.AtLeast == (f.Value >= f.Promise) || f.Value == f.Promise:
		return "kept"
	}
	return "MISSED"
}

// result is one file of bench/results.
type result struct {
	Bench   string   `json:"bench"`
	Command string   `json:"command"`
	Commit  string   `json:"commit"`
	Machine string   `json:"machine"`
	At      string   `json:"at"`
	Notes   []string `json:"notes,omitempty"`
	Figures []figure `json:"figures"`
}

func main() {
	benches := map[string]func() (*result, error){
		"start": benchStart, "latency": benchLatency, "status": benchStatus, "demo": benchDemo, "intake": benchIntake, "loaded": benchLoaded, "open": benchOpen, "restore": benchRestore,
	}
	flag.Parse()
	name := flag.Arg(0)
	if flag.NArg() != 1 || benches[name] == nil {
		fmt.Fprintln(os.Stderr, "bench [flags] NAME, by way of make bench-…; one of", slices.Sorted(maps.Keys(benches)))
		flag.PrintDefaults()
		os.Exit(2)
	}
	r, err := benches[name]()
	if err == nil {
		err = r.write(name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (r *result) write(name string) error {
	r.Bench, r.Command, r.Commit, r.Machine = name, "make bench-"+name, commit(), machine()
	r.At = time.Now().UTC().Format(time.RFC3339)
	for _, f := range r.Figures {
		fmt.Printf("%-58s %12.3f %-8s %s\n", f.Name, f.Value, f.Unit, f.kept())
	}
	if tried() {
		return nil // a try, not the record
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join("bench", "results", name+".json"), append(b, '\n'), 0o644)
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, l := range strings.Split(string(b), "\n") {
			if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version())
}

// quantile is the q-quantile of the sorted values (nearest rank).
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return s[min(len(s)-1, int(math.Ceil(q*float64(len(s))))-1)]
}

// tried reports whether flags make the run another than the one that is kept.
func tried() (yes bool) {
	flag.Visit(func(*flag.Flag) { yes = true })
	return yes
}
