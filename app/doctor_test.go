package app_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/journal"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/storage"
)

const ill = `
apiVersion: mainstay/v1
kind: Project
metadata: {name: shop}
---
apiVersion: mainstay/v1
kind: Person
metadata: {name: ana}
spec: {email: ana@example.com, roles: [{role: administrator}]}
---
apiVersion: mainstay/v1
kind: Schedule
metadata: {name: primary, project: shop}
spec: {zone: UTC, layers: [{participants: [ana]}]}
---
apiVersion: mainstay/v1
kind: Schedule
metadata: {name: later, project: shop}
spec: {zone: UTC, layers: [{participants: [ana], start: "2026-03-20"}]}
---
apiVersion: mainstay/v1
kind: EscalationPolicy
metadata: {name: urgent, project: shop}
spec: {steps: [{targets: ["schedule:primary"]}]}
---
apiVersion: mainstay/v1
kind: Route
metadata: {name: all, project: shop}
spec: {policy: urgent}
`

// TestDoctor finds what a person would have to find at night.
func TestDoctor(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		s.Apply(t, ill)
		s.Settle(t)
		look := func() map[string]string {
			t.Helper()
			list, err := app.Doctor(t.Context(), s.Config)
			if err != nil {
				t.Fatal(err)
			}
			found := map[string]string{}
			for _, f := range list {
				if (f.State != app.Fine) != (f.Do != "") || (f.State != app.Fine) != (f.Why != "") || f.Says == "" {
					t.Errorf("a finding without what to do: %+v", f)
				}
				if f.State != app.Fine {
					found[f.Check] += f.State + ": " + f.Says + "\n"
				}
			}
			return found
		}
		expect := func(when, check, says string) {
			t.Helper()
			if found := look(); says == "" && found[check] != "" || !strings.Contains(found[check], says) {
				t.Errorf("%s, %s is %q, want %q; all: %v", when, check, found[check], says, found)
			}
		}
		expect("at first", "policies", "")
		expect("at first", "duties", "")
		expect("at first", "on call", "look: Nobody has the duty of schedule shop/later now.")
		expect("at first", "status page", "")
		expect("at first", "server", "")
		err := s.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			_, err := s.DB.Exec(ctx, `UPDATE contact SET verified_at = 0`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		expect("without an address", "duties", "wrong: ana has the duty of schedule shop/primary from 17 March 03:00 UTC and cannot be paged: there is no confirmed address for pages.")
		expect("without an address", "policies", "wrong: Policy shop/urgent reaches nobody now.")

		project, err := s.Projects.ProjectID(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		breakThings(t, s, project)
		expect("of a broken one", "parked facts", "wrong: escalation could not handle 1 facts")
		expect("of a broken one", "routes", "wrong: Route shop/all names the policy urgent, which does not exist.")
		expect("of a broken one", "deliveries", "wrong: 1 messages by email could not be delivered since yesterday")
		expect("of a broken one", "numbers", "wrong: The next number of kind incident has been given already.")
		if err := os.Chmod(s.Config.SecretKeyFile, 0o644); err != nil { //nolint:gosec // that is the fault to be found
			t.Fatal(err)
		}
		expect("with a key that all may read", "secret key", "wrong: Others on this machine may read")
		s.Clock.Advance(25 * time.Hour)
		expect("a day later", "deliveries", "")
	})
}

// breakThings does by hand what no command does.
func breakThings(t *testing.T, s *servertest.Server, project string) {
	t.Helper()
	now := s.Clock.Now()
	facts, err := s.Journal.Facts(t.Context(), journal.Query{Project: project, Limit: 1})
	if err != nil || len(facts) == 0 {
		t.Fatal(facts, err)
	}
	if err := s.Journal.Park(t.Context(), "escalation", facts[0], "it was broken", now); err != nil {
		t.Fatal(err)
	}
	err = s.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
		ref := mainstay.Ref{Kind: mainstay.KindIncident, ID: mainstay.NewID(now)}
		set := commit.Set{Objects: []commit.Object{{Ref: ref, Project: project, Number: 7, Title: "By hand", At: now}}}
		if err := s.Saver.Save(ctx, set); err != nil {
			return err
		}
		if _, err := s.DB.Exec(ctx, `DELETE FROM escalation_policy`); err != nil {
			return err
		}
		id := mainstay.NewID(now)
		if _, err := s.DB.Exec(ctx, `INSERT INTO notice (id, key, project, subject, person, channel, address, template, data, urgent, at)
			VALUES ($1, $1, '', '', '', 'email', 'x@example.com', 'x', '{}', $2, $3)`, id, true, storage.Micros(now)); err != nil {
			return err
		}
		_, err := s.DB.Exec(ctx, `INSERT INTO delivery (id, key, notice, project, subject, person, channel, address, template, urgent, zone, state, attempts,
			planned, next, began, ended, error, answer, reason, instead, relieved) VALUES ($1, $1, $1, '', 'incident:x', '', 'email', 'x@example.com', 'x', $2, '',
			'failed', 1, $3, 0, 0, $3, 'no', '', '', '', $4)`, id, true, storage.Micros(now), false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
