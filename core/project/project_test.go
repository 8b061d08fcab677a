package project_test

import (
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func TestAProjectAndItsServicesAreDefinedOnce(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		ctx, actor := t.Context(), mainstay.Person("ana")
		r, err := project.New(project.Config{Store: projectdb.New(e.DB, e.Saver), Time: e.Clock})
		if err != nil {
			t.Fatal(err)
		}
		define := func(want bool, spec project.Spec) {
			t.Helper()
			if changed, err := r.Define(ctx, actor, "harbour", spec); err != nil || changed != want {
				t.Fatalf("changed %v, %v", changed, err)
			}
		}
		define(true, project.Spec{})
		define(false, project.Spec{})
		define(true, project.Spec{Title: "Harbour", Zone: "Europe/Berlin"})
		p, err := r.Project(ctx, "harbour")
		if err != nil || p.Title() != "Harbour" || p.Zone().String() != "Europe/Berlin" || p.Version != 2 {
			t.Fatalf("%+v, %v", p, err)
		}
		facts := e.Facts(t, p.ID)
		if len(facts) != 2 || facts[0].Kind != "project.created" || facts[1].Kind != "object.changed" {
			t.Fatalf("%+v", facts)
		}
		for _, s := range []string{"web", "checkout"} {
			if _, err := r.DefineService(ctx, actor, p.ID, s, project.ServiceSpec{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.DefineService(ctx, actor, p.ID, "web", project.ServiceSpec{DependsOn: []string{"checkout"}}); err != nil {
			t.Fatal(err)
		}
		for field, err := range map[string]error{
			"zone":      second(r.Define(ctx, actor, "harbour", project.Spec{Zone: "Mars/Olympus"})),
			"phase":     second(r.Define(ctx, actor, "harbour", project.Spec{Phase: "late"})),
			"name":      second(r.Define(ctx, actor, "Har bour", project.Spec{})),
			"dependsOn": second(r.DefineService(ctx, actor, p.ID, "checkout", project.ServiceSpec{DependsOn: []string{"web"}})),
		} {
			if mainstay.ErrorFields(err)[field] == "" {
				t.Errorf("%s: %v", field, err)
			}
		}
		o, err := e.Objects.Find(ctx, mainstay.KindService, "checkout", p.ID)
		if err != nil || o.Project != p.ID {
			t.Fatalf("%+v, %v", o, err)
		}
		list, err := r.Services(ctx, p.ID)
		if err != nil || len(list) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
	}, projectdb.Migrations())
}

func second(_ bool, err error) error { return err }
