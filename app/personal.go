package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// forgetting answers people: facts that name a person forget them.
type forgetting struct{ a *App }

// Forget implements people.Rewriting: one stretch of one chain, chains in the order of their projects.
func (q forgetting) Forget(ctx context.Context, e people.Erasure, f people.Forget) (people.Erasure, bool, error) {
	if e.Project == "" { // first what others were told
		if _, err := q.a.Notices.Rewrite(ctx, f.Needles(), f.JSON); err != nil {
			return e, false, err
		}
	}
	heads, err := q.a.Journal.Heads(ctx)
	if err != nil {
		return e, false, err
	}
	chains := slices.Sorted(maps.Keys(heads))
	at, exact := slices.BinarySearch(chains, e.Project)
	if at == len(chains) {
		return e, true, nil
	}
	if !exact {
		e.Project, e.Sequence = chains[at], 0
	}
	by := mainstay.ParseRef(e.By)
	done, err := q.a.Journal.Erase(ctx, q.a.cfg.Time.Now(), journal.Erasure{
		Project: e.Project, After: e.Sequence, Holds: append(f.Needles(), e.Person), Rewrite: rewriter(e.Person, f),
		Actor: mainstay.Actor{Kind: mainstay.ActorKind(by.Kind), ID: by.ID}, Cause: "person", Person: e.Person, Reason: e.Reason,
	})
	e.Facts += done.Facts
	e.Sequence = done.Last
	if err != nil || !done.Done {
		return e, false, err
	}
	if at+1 == len(chains) {
		return e, true, nil
	}
	e.Project, e.Sequence = chains[at+1], 0
	return e, false, nil
}

// rewriter replaces names and addresses, and takes from facts about the person's signing in what was typed or where it came from.
func rewriter(person string, f people.Forget) func(fact.Fact) (json.RawMessage, bool) {
	about := mainstay.Ref{Kind: mainstay.KindPerson, ID: person}
	return func(x fact.Fact) (json.RawMessage, bool) {
		payload, changed := f.JSON(x.Payload)
		if !strings.HasPrefix(x.Kind, "identity.") || !slices.Contains(x.Subjects, about) {
			return payload, changed
		}
		fields := map[string]json.RawMessage{}
		if json.Unmarshal(payload, &fields) != nil {
			return payload, changed
		}
		was := len(fields)
		for _, k := range []string{"addressDigest", "name", "session"} {
			delete(fields, k)
		}
		if len(fields) == was {
			return payload, changed
		}
		out, err := json.Marshal(fields)
		if err != nil {
			return payload, changed
		}
		return out, true
	}
}

// erasuresFile lists whose data was erased, outside the database: a restored backup of before forgets them again.
const erasuresFile = "erasures.json"

// keepErasures writes the list beside the data. It holds ids and pseudonyms, no names.
func (a *App) keepErasures(ctx context.Context) error {
	list, err := a.People.Erasures(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	kept, err := a.readErasures()
	if err != nil {
		return err
	}
	for _, e := range kept { // what the database does not know, because it was restored
		if !slices.ContainsFunc(list, func(o people.Erasure) bool { return o.Person == e.Person }) {
			list = append(list, e)
		}
	}
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(a.cfg.Data, erasuresFile)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("keeping the list of erasures: %w", err)
	}
	return os.Rename(path+".new", path)
}

func (a *App) readErasures() (list []people.Erasure, err error) {
	b, err := os.ReadFile(filepath.Join(a.cfg.Data, erasuresFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of erasures: %w", err)
	}
	return list, nil
}

// erased pokes the worker that lets facts forget; at most one poke waits.
type eraser struct {
	once sync.Once
	wake chan struct{}
}

func (e *eraser) poke() {
	e.once.Do(func() { e.wake = make(chan struct{}, 1) })
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// startErasing forgets again whom a restored backup brought back, goes on with what was not done, and then waits for more.
func (a *App) startErasing(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	a.eraser.poke()
	a.Journal.Changed(func(facts []fact.Fact) {
		for _, f := range facts {
			if p, is := fact.As[fact.PersonErased](f); is && !p.Done {
				a.eraser.poke()
			}
		}
		if facts == nil { // another process wrote
			a.eraser.poke()
		}
	})
	var done sync.WaitGroup
	done.Go(func() {
		again := true
		for {
			select {
			case <-a.eraser.wake:
			case <-ctx.Done():
				return
			}
			if err := a.forget(ctx, again); err != nil && ctx.Err() == nil {
				a.cfg.Log.Error("personal data cannot be erased", "err", err)
			}
			again = false
		}
	})
	a.stopLater(func(context.Context) error {
		cancel()
		done.Wait()
		return nil
	})
}

// forget brings erasures to their end.
func (a *App) forget(ctx context.Context, again bool) error {
	if again {
		list, err := a.readErasures()
		if err != nil {
			return err
		}
		n, err := a.People.Again(ctx, list)
		if err != nil { // such as for the last administrator: those who run it must act; the rest goes on
			a.cfg.Log.Error("somebody whose data had been erased is back with a restored backup", "err", err)
		}
		if n > 0 {
			a.cfg.Log.Info("persons whose data had been erased before were erased again", "persons", n)
		}
	}
	if err := a.keepErasures(ctx); err != nil {
		return err
	}
	return a.People.Continue(ctx, forgetting{a})
}
