package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func model(t *testing.T) *kong.Node {
	t.Helper()
	k, err := newParser(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	return k.Model.Node
}

func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		line  string
		want  string // one of the answers
		never string
		files bool
	}{
		{line: "", want: "serve", never: "complete"},
		{line: "tok", want: "token", never: "serve"},
		{line: "token ", want: "create"},
		{line: "token create --ro", want: "--role", never: "--name"},
		{line: "serve --log-level ", want: "warn"},
		{line: "serve --log-level w", want: "warn", never: "info"},
		{line: "serve --data ", files: true},
		{line: "serve --log-format=json --t", want: "--tls-key"},
		{line: "backup ", files: true},
		{line: "completion ", want: "fish"},
		{line: "unknown --wh", never: "--what"},
	} {
		list, files := candidates(model(t), strings.Split(c.line, " "))
		has := func(w string) bool { return slices.ContainsFunc(list, func(x candidate) bool { return x.word == w }) }
		if files != c.files || c.want != "" && !has(c.want) || c.never != "" && has(c.never) {
			t.Errorf("%q: %v, files %t", c.line, list, files)
		}
	}
}

func TestCompletionScriptsAreGoodShell(t *testing.T) {
	for shell, script := range completionScripts {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("no %s here: its script is not checked", shell)
			continue
		}
		cmd := exec.Command(path, "-n")
		cmd.Stdin = strings.NewReader(script)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}

// The completion as a bash user meets it: the script is loaded, and asks the binary that was built.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("no bash")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "mainstay"), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bash, "--norc", "-c", `PATH="$1:$PATH"; source <(mainstay completion bash)
COMP_WORDS=(mainstay serve --tls-); COMP_CWORD=2; _mainstay; printf '%s\n' "${COMPREPLY[@]}"`, "bash", dir)
	out, err := cmd.CombinedOutput()
	if got := strings.Fields(string(out)); err != nil || !slices.Equal(got, []string{"--tls-cert", "--tls-key"}) {
		t.Fatalf("%v: %q", err, out)
	}
}

func TestManualPages(t *testing.T) {
	pages := manPages(model(t))
	for _, name := range []string{"mainstay.1", "mainstay-serve.1", "mainstay-token-create.1"} {
		text := string(pages[name])
		for _, part := range []string{".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH OPTIONS\n", ".SH \"EXIT STATUS\"\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
	if !strings.Contains(string(pages["mainstay-serve.1"]), "MAINSTAY_TLS_CERT") || pages["mainstay-complete.1"] != nil {
		t.Error("the page of serve names no environment, or a hidden command has a page")
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("no groff here: the pages are not set")
		return
	}
	for name, text := range pages {
		cmd := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", "-K", "utf8")
		cmd.Stdin = strings.NewReader(string(text))
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
