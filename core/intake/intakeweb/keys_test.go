package intakeweb_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/intake/intakeweb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/web"
)

// doors lets in a manager of the shop, a member of it, or nobody.
type doors struct{}

func (doors) Viewer(r *http.Request) (access.Viewer, error) {
	role := r.Header.Get("Role")
	if role == "" {
		return access.Viewer{}, nil
	}
	return access.Viewer{Actor: mainstay.Person("ana"), PersonID: "ana", Name: "ana", Zone: time.UTC, Grants: []access.Grant{{Role: access.Role(role), Project: shop}}}, nil
}

// registry is the shop with a service, and a project of others.
type registry struct{}

func (registry) Projects(context.Context) ([]project.Project, error) {
	return []project.Project{{ID: shop, Name: "shop"}, {ID: "other", Name: "other"}}, nil
}

func (registry) Services(context.Context, string) ([]project.Service, error) {
	return []project.Service{{ID: "svc", Project: shop, Name: "checkout"}, {ID: "x", Project: "other", Name: "x"}}, nil
}

// A manager makes a key, sees it once, makes a successor and revokes the old one; others may not.
func TestKeyPages(t *testing.T) {
	t.Parallel()
	e := mainstaytest.New(t, "sqlite", intakedb.Migrations())
	keys, err := intake.NewKeys(intake.KeysConfig{Store: intakedb.New(e.DB, e.Saver), Time: e.Clock, Formats: []string{"alertmanager", "generic"}})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := web.NewRouter(web.Config{Time: e.Clock, Log: e.Log, Identity: doors{}, Objects: e.Objects})
	if err != nil {
		t.Fatal(err)
	}
	sink := &kept{}
	pages, err := intakeweb.New(intakeweb.Config{Keys: keys, Formats: formats(), Sink: sink, Projects: registry{}, Time: e.Clock, ExternalURL: "https://m.example"})
	if err != nil {
		t.Fatal(err)
	}
	pages.Routes(rt)
	h := rt.Handler()
	ask := func(role, method, path, body string, kind ...string) (int, string) {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Role", role)
		if len(kind) > 0 {
			r.Header.Set("Content-Type", kind[0])
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		b, err := io.ReadAll(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		return rec.Code, string(b)
	}
	const form = "application/x-www-form-urlencoded"
	if code, body := ask("manager", "GET", "/admin/keys", ""); code != 200 || !strings.Contains(body, "No key yet") || strings.Contains(body, "other") {
		t.Fatal(code, body)
	}
	if code, _ := ask("member", "GET", "/admin/keys", ""); code != 403 {
		t.Fatal(code)
	}
	code, body := ask("manager", "POST", "/admin/keys", url.Values{"project": {shop}, "service": {"svc"}, "format": {"alertmanager"}}.Encode(), form)
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil || code != 200 {
		t.Fatal(code, err)
	}
	secret := doc.Find(".note code").First().Text()
	if !intake.ValidKey(secret) || !strings.Contains(body, "path_prefix: /in/"+secret+"/alertmanager") || !strings.Contains(body, "https://m.example/in/"+secret) {
		t.Fatal(body)
	}
	if _, body := ask("manager", "GET", "/admin/keys", ""); strings.Contains(body, secret) || !strings.Contains(body, secret[:6]+"…") {
		t.Fatal("a key is shown again, or not listed")
	}
	if code, _ := ask("", "POST", "/in/"+secret+"/alertmanager/api/v2/alerts", one); code != 200 || len(sink.batches) != 1 || sink.batches[0].Service != "svc" {
		t.Fatal(code, sink.batches)
	}
	if code, body := ask("manager", "POST", "/admin/keys", url.Values{"project": {"other"}, "format": {"generic"}}.Encode(), form); code != 422 || !strings.Contains(body, "in which you may make keys") {
		t.Fatal(code, body)
	}

	code, body = ask("manager", "POST", "/api/v1/keys", `{"project":"shop","format":"generic"}`, "application/json")
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || code != 201 || !intake.ValidKey(made.Key) {
		t.Fatal(code, body)
	}
	_, body = ask("manager", "GET", "/api/v1/keys?project=shop&limit=1", "")
	var list struct {
		Items []struct{ ID, Format, Hint, State string }
		Next  string
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Items) != 1 || list.Items[0].Hint != made.Key[:6] || list.Next == "" || strings.Contains(body, made.Key) {
		t.Fatal(body)
	}
	id := list.Items[0].ID
	if code, body := ask("manager", "POST", "/admin/keys/"+id+"/rotate", "", form); code != 200 || !strings.Contains(body, "shown this once") {
		t.Fatal(code, body)
	}
	if code, _ := ask("member", "DELETE", "/api/v1/keys/"+id, ""); code != 403 && code != 404 {
		t.Fatal(code)
	}
	if code, body := ask("manager", "DELETE", "/api/v1/keys/"+id, ""); code != 204 {
		t.Fatal(code, body)
	}
	if code, _ := ask("", "POST", "/in/"+made.Key+"/generic", "summary=x", form); code != 401 {
		t.Fatal(code)
	}
	if kinds := e.Facts(t, shop); len(kinds) != 4 || kinds[3].Kind != "key.revoked" {
		t.Fatalf("%+v", kinds)
	}
}
