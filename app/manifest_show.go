package app

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Palette colours a diff; the zero Palette leaves it plain.
type Palette struct{ Add, Remove, Change, Dim, End string }

// Terminal is the palette of a terminal.
var Terminal = Palette{Add: "\x1b[32m", Remove: "\x1b[31m", Change: "\x1b[33m", Dim: "\x1b[2m", End: "\x1b[0m"}

func (p Palette) paint(colour, s string) string {
	if colour == "" {
		return s
	}
	return colour + s + p.End
}

// Show writes changes for people: what is created, changed field by field, removed and kept, then how many of each.
func Show(w io.Writer, list []Change, dryRun bool, p Palette) error {
	var b strings.Builder
	count := map[string]int{}
	for _, c := range list {
		count[c.Action]++
		where := c.Kind + " " + c.Name
		if c.Project != "" {
			where = c.Kind + " " + c.Project + "/" + c.Name
		}
		switch c.Action {
		case Created:
			fmt.Fprintln(&b, p.paint(p.Add, "+ "+where))
		case Updated:
			fmt.Fprintln(&b, p.paint(p.Change, "~ "+where))
		case Removed:
			fmt.Fprintln(&b, p.paint(p.Remove, "- "+where+"  ("+c.How+")"))
		case Kept:
			fmt.Fprintln(&b, p.paint(p.Dim, "! "+where+"  in no manifest, stays: "+c.Kept))
		}
		for _, f := range c.Fields {
			p.field(&b, c.Action, f)
		}
	}
	words := map[bool][]string{
		false: {"created", "changed", "removed", "unchanged", "kept"},
		true:  {"to create", "to change", "to remove", "unchanged", "kept"},
	}[dryRun]
	var parts []string
	for i, action := range []string{Created, Updated, Removed, Unchanged, Kept} {
		if n := count[action]; n > 0 || action == Unchanged {
			parts = append(parts, fmt.Sprintf("%d %s", n, words[i]))
		}
	}
	fmt.Fprintln(&b, strings.Join(parts, ", ")+".")
	_, err := io.WriteString(w, b.String())
	return err
}

// field writes one difference: a line where it fits one, else a block.
func (p Palette) field(b *strings.Builder, action string, f Field) {
	const indent = "    "
	old, isOld := f.Old.(string)
	now, isNew := f.New.(string)
	switch {
	case isOld && isNew && (strings.Contains(old, "\n") || strings.Contains(now, "\n")):
		fmt.Fprintf(b, "%s%s:\n", indent, f.Path)
		for _, line := range unified(old, now) {
			colour := map[byte]string{'+': p.Add, '-': p.Remove, '@': p.Dim}[line[0]]
			fmt.Fprintln(b, indent+"  "+p.paint(colour, line))
		}
	case f.Old != nil && f.New != nil:
		fmt.Fprintf(b, "%s%s: %s → %s\n", indent, f.Path, p.paint(p.Remove, shown(f.Old)), p.paint(p.Add, shown(f.New)))
	case f.New != nil && action == Created:
		p.block(b, p.Add, indent, f.Path+":", f.New)
	case f.New != nil:
		p.block(b, p.Add, indent, "+ "+f.Path+":", f.New)
	default:
		p.block(b, p.Remove, indent, "- "+f.Path+":", f.Old)
	}
}

// block writes a value under its name: lists and mappings an element a line.
func (p Palette) block(b *strings.Builder, colour, indent, name string, v any) {
	line := func(s string) { fmt.Fprintln(b, indent+p.paint(colour, s)) }
	switch v := v.(type) {
	case []any:
		line(name)
		for _, x := range v {
			line("  - " + shown(x))
		}
	case map[string]any:
		line(name)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			line("  " + k + ": " + shown(v[k]))
		}
	case string:
		if !strings.Contains(v, "\n") {
			line(name + " " + shown(v))
			return
		}
		line(name)
		for _, l := range strings.Split(strings.TrimSuffix(v, "\n"), "\n") {
			line("  " + l)
		}
	default:
		line(name + " " + shown(v))
	}
}

// shown is a value in one line; a text that could be taken for something else is quoted.
func shown(v any) string {
	s, ok := v.(string)
	if !ok {
		return render(v)
	}
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\n\t\x1b") || strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
		return fmt.Sprintf("%q", s)
	}
	return s
}

const around = 2 // lines of a unified diff that are shown around a change

// unified is the unified diff of two texts, hunk by hunk.
func unified(old, now string) []string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	type line struct {
		mark byte
		text string
		i, j int
	}
	var all []line
	i, j := 0, 0
	for _, same := range append(common(a, b), [2]int{len(a), len(b)}) {
		for ; i < same[0]; i++ {
			all = append(all, line{'-', a[i], i, j})
		}
		for ; j < same[1]; j++ {
			all = append(all, line{'+', b[j], i, j})
		}
		if i < len(a) {
			all = append(all, line{' ', a[i], i, j})
		}
		i, j = same[0]+1, same[1]+1
	}
	near := func(n int) bool {
		for k := max(0, n-around); k <= min(len(all)-1, n+around); k++ {
			if all[k].mark != ' ' {
				return true
			}
		}
		return false
	}
	var out []string
	for n, open := 0, false; n < len(all); n++ {
		if !near(n) {
			open = false
			continue
		}
		if !open {
			out = append(out, fmt.Sprintf("@@ -%d +%d @@", all[n].i+1, all[n].j+1))
			open = true
		}
		out = append(out, string(all[n].mark)+strings.ReplaceAll(all[n].text, "\x1b", "␛"))
	}
	return out
}
