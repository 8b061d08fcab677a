package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/practice/incident"
)

const (
	forkPeople  = "apiVersion: mainstay/v1\nkind: Person\nmetadata: {name: duty}\nspec: {email: duty@mail.test, roles: [{role: administrator}]}\n"
	forkProject = "apiVersion: mainstay/v1\nkind: Project\nmetadata: {name: away}\nspec: {title: Away}\n---\n" +
		"apiVersion: mainstay/v1\nkind: IncidentPlan\nmetadata: {name: any, project: away}\nspec: {roles: [commander], steps: [{title: Look, role: commander, within: 1h}]}\n"
)

// TestAProjectComesHome lets a project live in a fork with a clock of its own while the server works, and brings it home: numbers,
// chain, search and duties are those of one installation then, and what was here has not changed.
func TestAProjectComesHome(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		ctx := t.Context()
		applied(t, s.App, forkPeople)
		s.Settle(t)
		var copied bytes.Buffer
		if _, err := app.Backup(ctx, s.Config, &copied); err != nil {
			t.Fatal(err)
		}
		if first, err := s.Reserve(ctx, mainstay.KindIncident, 5); err != nil || first != 1 {
			t.Fatal(first, err)
		}
		cfg := servertest.Config(t, "sqlite") // also of another engine
		cfg.SecretKeyFile, cfg.Scratch, cfg.Log = filepath.Join(s.Config.Data, "secret.key"), true, slog.New(s.Log)
		if s.Config.SecretKeyFile != "" {
			cfg.SecretKeyFile = s.Config.SecretKeyFile
		}
		past := mainstay.NewMoved(mainstaytest.Start.AddDate(-1, 0, 0))
		cfg.Time = past
		fork, err := app.Split(ctx, cfg, copied.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		live(t, cfg, past)
		if err := s.Adopt(ctx, fork, nil); err == nil || !strings.Contains(err.Error(), "0 were reserved") {
			t.Fatalf("a fork with numbers that nobody reserved came home: %v", err)
		}
		fork.Reserved = map[mainstay.Kind]int{mainstay.KindIncident: 5, mainstay.KindRootCause: 1, mainstay.KindAction: 1}
		for range 2 { // twice is once
			if err := s.Adopt(ctx, fork, nil); err != nil {
				t.Fatal(err)
			}
		}
		home(t, s)
	})
}

func applied(t *testing.T, a *app.App, text string) {
	t.Helper()
	if _, err := a.Apply(t.Context(), mainstay.System("test"), []app.Source{{Name: "x.yaml", Text: text}}, false, nil); err != nil {
		t.Fatal(err)
	}
}

// live is the project's life in the fork: an incident a year ago.
func live(t *testing.T, cfg app.Config, clock *mainstay.Moved) {
	t.Helper()
	a, err := app.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = a.Work(t.Context(), func(ctx context.Context) error {
		applied(t, a, forkProject)
		p, err := a.Projects.Project(ctx, "away")
		if err != nil {
			return err
		}
		by, err := a.People.ByName(ctx, "duty")
		if err != nil {
			return err
		}
		who := mainstay.Person(by.ID)
		i, err := a.Incidents.Declare(ctx, who, incident.Declaration{Project: p.ID, Title: "Lanterns are dark", Severity: mainstay.Sev2, Commander: by.ID})
		if err != nil {
			return err
		}
		if err := a.Settle(ctx); err != nil {
			return err
		}
		due, ok, err := a.NextDue(ctx, clock.Now().Add(24*time.Hour))
		if err != nil || !ok || !due.After(clock.Now()) {
			t.Errorf("the next timer is due %s, %v, %v", due, ok, err)
		}
		clock.Advance(2 * time.Hour)
		if err := a.Settle(ctx); err != nil {
			return err
		}
		if _, err = a.Incidents.Resolve(ctx, who, i.ID, time.Time{}); err != nil {
			return err
		}
		return a.Settle(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// home looks at the installation after the project has come.
func home(t *testing.T, s *servertest.Server) {
	t.Helper()
	ctx := t.Context()
	i, err := s.Objects.Find(ctx, mainstay.KindIncident, "INC-1", "")
	if err != nil || i.Title != "Lanterns are dark" {
		t.Fatal(i, err)
	}
	s.Settle(t) // every subscriber has seen what was handed over in the fork, and does nothing
	if rc, err := s.RootCauses.OfIncident(ctx, i.Ref.ID); err != nil || rc.Number != 1 {
		t.Error(rc, err)
	}
	chains, err := s.VerifyJournal(ctx)
	if err != nil || len(chains) != 2 {
		t.Fatal(chains, err)
	}
	for _, c := range chains {
		if !c.Whole {
			t.Errorf("the journal of %s: %s", c.Project, c.Verdict)
		}
	}
	found, err := s.Search.Find(ctx, access.Viewer{Actor: mainstay.System("test"), Grants: []access.Grant{{Role: access.Administrator}}}, search.Query{Text: "lanterns"})
	if err != nil || len(found) == 0 {
		t.Errorf("it is not found: %+v, %v", found, err)
	}
	p, err := s.Projects.Project(ctx, "away")
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Incidents.Declare(ctx, mainstay.System("test"), incident.Declaration{Project: p.ID, Title: "Again", Severity: mainstay.Sev3})
	if err != nil || next.Number != 6 {
		t.Errorf("the next incident is %d, %v", next.Number, err)
	}
}
