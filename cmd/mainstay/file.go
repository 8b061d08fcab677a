package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// fileLoader reads the configuration file: one mapping from flag names to values. A key that is no flag is an error.
func fileLoader(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && err != io.EOF {
		return nil, err
	}
	return &fileResolver{values}, nil
}

type fileResolver struct{ values map[string]any }

// Validate refuses keys that are no flag of any command.
func (f *fileResolver) Validate(a *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(a, func(n kong.Visitable, next kong.Next) error {
		if flag, ok := n.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for key := range f.values {
		if !known[key] {
			return fmt.Errorf("the configuration file has the unknown key %q", key)
		}
	}
	return nil
}

// Resolve gives the value of a flag, unless the environment has one: that goes before the file.
func (f *fileResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil //nolint:nilnil // kong's way to say "not here"
		}
	}
	v, ok := f.values[flag.Name]
	if !ok {
		return nil, nil //nolint:nilnil // kong's way to say "not here"
	}
	if list, ok := v.([]any); ok {
		var s []string
		for _, e := range list {
			s = append(s, fmt.Sprint(e))
		}
		return strings.Join(s, ","), nil
	}
	return fmt.Sprint(v), nil
}
