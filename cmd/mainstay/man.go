package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// manCmd writes the manual pages.
type manCmd struct {
	Dir string `arg:"" help:"Folder that takes mainstay.1 and a page per command." placeholder:"DIR" type:"path"`
}

// Help shows its use.
func (manCmd) Help() string {
	return `    mainstay man /usr/local/share/man/man1 && man mainstay-serve`
}

// Run writes a page for the program and one for each command.
func (c manCmd) Run(k *kong.Kong) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	for name, text := range manPages(k.Model.Node) {
		if err := os.WriteFile(filepath.Join(c.Dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manPages are all pages by file name, made from the command line's own description.
func manPages(root *kong.Node) map[string][]byte {
	leaves := root.Leaves(true)
	pages := map[string][]byte{"mainstay.1": manPage(root, "mainstay", leaves)}
	for _, leaf := range leaves {
		name := "mainstay-" + strings.ReplaceAll(leaf.Path(), " ", "-")
		pages[name+".1"] = manPage(leaf, name, nil)
	}
	return pages
}

func manPage(n *kong.Node, name string, commands []*kong.Node) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"mainstay %s\" \"Mainstay\"\n", strings.ToUpper(roff(name)), roff(version))
	short := strings.TrimSuffix(n.Help, ".")
	if commands != nil {
		short = "runs the support of a product after its launch"
	}
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", roff(name), roff(short))
	if commands != nil {
		b.WriteString(".B mainstay\n.I command\n[flags]\n.SH DESCRIPTION\n")
		manText(&b, n.Help)
		b.WriteString(".SH COMMANDS\n")
		for _, c := range commands {
			fmt.Fprintf(&b, ".TP\n.BR mainstay-%s (1)\n%s\n", roff(strings.ReplaceAll(c.Path(), " ", "-")), roff(c.Help))
		}
	} else {
		fmt.Fprintf(&b, ".B mainstay %s\n%s\n.SH DESCRIPTION\n%s\n", roff(n.Path()), roff(arguments(n)), roff(n.Help))
		manText(&b, n.Detail)
	}
	b.WriteString(".SH OPTIONS\n")
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			manFlag(&b, f)
		}
	}
	b.WriteString(".SH \"EXIT STATUS\"\n0 done, 1 failed or something is wrong, 2 wrong use or bad input, 3 the journal is not whole.\n")
	if commands == nil {
		b.WriteString(".SH \"SEE ALSO\"\n.BR mainstay (1)\n")
	}
	return b.Bytes()
}

func arguments(n *kong.Node) string {
	var list []string
	for _, p := range n.Positional {
		list = append(list, p.Summary())
	}
	return strings.Join(append(list, "[flags]"), " ")
}

func manFlag(b *bytes.Buffer, f *kong.Flag) {
	b.WriteString(".TP\n")
	if f.Short != 0 {
		fmt.Fprintf(b, "\\fB\\-%c\\fR, ", f.Short)
	}
	fmt.Fprintf(b, "\\fB%s\\fR", roff("--"+f.Name))
	if !f.IsBool() {
		fmt.Fprintf(b, "=\\fI%s\\fR", roff(f.FormatPlaceHolder()))
	}
	fmt.Fprintf(b, "\n%s", roff(f.Help))
	if len(f.Envs) > 0 {
		fmt.Fprintf(b, "\nEnvironment: %s.", roff(strings.Join(f.Envs, ", ")))
	}
	b.WriteByte('\n')
}

// manText writes paragraphs; lines that begin with four spaces are shown as they are.
func manText(b *bytes.Buffer, text string) {
	code := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		now := strings.HasPrefix(line, "    ")
		switch {
		case now && !code:
			b.WriteString(".PP\n.RS 4\n.nf\n")
		case !now && code && line != "":
			b.WriteString(".fi\n.RE\n.PP\n")
		}
		switch {
		case now || line != "":
			code = now
			fmt.Fprintln(b, roff(strings.TrimPrefix(line, "    ")))
		case !code:
			b.WriteString(".PP\n")
		}
	}
	if code {
		b.WriteString(".fi\n.RE\n.PP\n")
	}
}

// roff makes text harmless: backslashes, hyphens that are meant, and dots and quotes at the start of a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
