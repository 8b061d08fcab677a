package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCmd prints what a shell needs to complete the command line.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help shows how to switch it on.
func (completionCmd) Help() string {
	return `For this shell, or for good:

    source <(mainstay completion bash)
    mainstay completion bash > /etc/bash_completion.d/mainstay
    mainstay completion zsh > "${fpath[1]}/_mainstay"
    mainstay completion fish > ~/.config/fish/completions/mainstay.fish`
}

// The scripts ask the binary itself, so they never grow old. It answers "word<TAB>what it is" per line, or ":files".
var completionScripts = map[string]string{
	"bash": `_mainstay() {
  local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]} answer
  answer=$(mainstay complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$answer" = :files ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$(cut -f1 <<<"$answer")" -- "$current"))
  fi
}
complete -F _mainstay mainstay
`,
	"zsh": `#compdef mainstay
_mainstay() {
  local -a lines
  lines=("${(@f)$(mainstay complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "$lines[1]" == :files ]]; then
    _files
  elif [[ -n "$lines[1]" ]]; then
    _describe mainstay "${(@)lines//$'\t'/:}"
  fi
}
if [ "$funcstack[1]" = _mainstay ]; then _mainstay "$@"; else compdef _mainstay mainstay; fi
`,
	"fish": `function __mainstay_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answer (mainstay complete -- $words[2..-1] 2>/dev/null)
  if test "$answer" = :files
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $answer
  end
end
complete -c mainstay -f -a '(__mainstay_complete)'
`,
}

// Run prints the script.
func (c completionCmd) Run() error {
	fmt.Print(completionScripts[c.Shell])
	return nil
}

// completeCmd answers the scripts.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what may stand in the place of the last word.
func (c completeCmd) Run(k *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	list, files := candidates(k.Model.Node, words)
	if files {
		fmt.Println(":files")
		return nil
	}
	for _, w := range list {
		fmt.Fprintf(os.Stdout, "%s\t%s\n", w.word, w.help)
	}
	return nil
}

// candidate is a word that may come next.
type candidate struct{ word, help string }

// candidates are what may stand in the place of the last of the words after the program's name; files tells that a path is wanted.
func candidates(n *kong.Node, words []string) (list []candidate, files bool) {
	if len(words) == 0 {
		words = []string{""}
	}
	last, before := words[len(words)-1], words[:len(words)-1]
	var open *kong.Flag // a flag that waits for its value
	args := 0
	for _, w := range before {
		switch {
		case open != nil:
			open = nil
		case strings.HasPrefix(w, "-"):
			if f := findFlag(n, w); f != nil && !f.IsBool() && !strings.Contains(w, "=") {
				open = f
			}
		default:
			if child := findChild(n, w); child != nil {
				n, args = child, 0
			} else {
				args++
			}
		}
	}
	switch {
	case open != nil:
		return valuesOf(open.Value, last)
	case strings.HasPrefix(last, "-"):
		return flagsOf(n, last), false
	case len(n.Children) > 0:
		return childrenOf(n, last), false
	case args < len(n.Positional):
		return valuesOf(n.Positional[args], last)
	}
	return flagsOf(n, last), false
}

func findChild(n *kong.Node, word string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == word {
			return c
		}
	}
	return nil
}

func findFlag(n *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if f.Name == name || f.Short != 0 && string(f.Short) == name {
				return f
			}
		}
	}
	return nil
}

func childrenOf(n *kong.Node, prefix string) (list []candidate) {
	for _, c := range n.Children {
		if !c.Hidden && strings.HasPrefix(c.Name, prefix) {
			list = append(list, candidate{c.Name, c.Help})
		}
	}
	return list
}

func flagsOf(n *kong.Node, prefix string) (list []candidate) {
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if strings.HasPrefix("--"+f.Name, prefix) {
				list = append(list, candidate{"--" + f.Name, f.Help})
			}
		}
	}
	return list
}

// valuesOf are the values of an enumeration; for anything that names a file, files is true.
func valuesOf(v *kong.Value, prefix string) (list []candidate, files bool) {
	for _, e := range v.EnumSlice() {
		if e != "" && strings.HasPrefix(e, prefix) {
			list = append(list, candidate{e, ""})
		}
	}
	place := strings.ToUpper(v.Name + " " + v.Tag.PlaceHolder + " " + v.Tag.Type)
	return list, len(list) == 0 && (strings.Contains(place, "FILE") || strings.Contains(place, "DIR") || strings.Contains(place, "PATH"))
}
