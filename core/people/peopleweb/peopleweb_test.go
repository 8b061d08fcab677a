package peopleweb_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopleweb"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
	"github.com/mainstayhq/mainstay/web"
)

func eachHouse(t *testing.T, f func(t *testing.T, h *house.House)) {
	house.Databases(t, func(t *testing.T, h *house.House) {
		h.Serve(t, peopleweb.New(h.People, nil))
		f(t, h)
	})
}

func TestAPersonIsAddedAndEdited(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		b := h.As(t, "ana")
		p := b.Get("/people").Follow("Add a person")
		p = p.Press("Add the person", url.Values{"name": {"Bea!"}, "fullName": {"Bea <i>Berg</i>"}, "email": {"ANA@example.com"}, "zone": {"Mars"}})
		if p.Status != 422 || !p.Says("lower-case letters") || !p.Says("is not a time zone") || p.Doc.Find("[name=fullName]").AttrOr("value", "") != "Bea <i>Berg</i>" {
			t.Errorf("a faulty form: %d %s", p.Status, p.Text())
		}
		p = p.Press("Add the person", url.Values{"name": {"bea"}, "zone": {"Europe/Zurich"}})
		if p.Status != 422 || !p.Says("ana has this address already") {
			t.Errorf("somebody else's address: %d %s", p.Status, p.Text())
		}
		p = p.Press("Add the person", url.Values{"email": {"bea@example.com"}})
		if p.Status != 200 || p.Path != "/people/bea" || p.Title() != "Bea <i>Berg</i>" || !p.Says("bea@example.com email pages verified") {
			t.Errorf("added: %d %s %s", p.Status, p.Path, p.Text())
		}
		p = p.Follow("Edit").Press("Save", url.Values{"contact-1-channel": {"webhook"}, "contact-1-address": {"https://hooks.example/bea"}, "contact-1-pages": {"1"}})
		if p.Status != 200 || !p.Says("https://hooks.example/bea") || len(p.Doc.Find("code").Text()) != 64 {
			t.Errorf("a webhook: %d %s", p.Status, p.Text())
		}
		p = p.Follow("Edit").Press("Save", url.Values{"name": {"beatrix"}, "contact-0-address": {""}})
		if p.Status != 200 || p.Path != "/people/beatrix" || p.Says("bea@example.com email") || !p.Says("https://hooks.example/bea") {
			t.Errorf("renamed, without mail: %d %s %s", p.Status, p.Path, p.Text())
		}
		if p = p.Follow("Deactivate").Press("Deactivate Bea <i>Berg</i>", nil); p.Status != 200 || !p.Says("can no longer sign in") || !p.Says("Undo") {
			t.Errorf("deactivated: %d %s", p.Status, p.Text())
		}
		if p = b.Get("/people"); p.Says("beatrix") {
			t.Error("a deactivated person is listed")
		}
		if p = p.Press("Search", url.Values{"q": {"BEATRIX"}, "all": {"1"}}); !p.Says("beatrix") || !p.Says("deactivated") {
			t.Errorf("search: %s", p.Text())
		}
		if p = b.Get("/people/ana/deactivate").Press("Deactivate ana", nil); p.Status != http.StatusConflict || !p.Says("last administrator") {
			t.Errorf("the last administrator: %d %s", p.Status, p.Text())
		}
	})
}

func TestOnesOwnContacts(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		shop := h.Project(t, "shop")
		ana := h.Person(t, "ana", access.Grant{Role: access.Member, Project: shop})
		h.Person(t, "bea", access.Grant{Role: access.Member, Project: shop})
		b := h.As(t, "ana")
		p := b.Get("/me/edit")
		if p.Doc.Find("[name=email], [name=name]").Length() != 0 {
			t.Error("people change the address that they sign in with by themselves")
		}
		p = p.Press("Save", url.Values{"fullName": {"Ana Ruiz"}, "contact-1-address": {"home@example.com"}})
		if p.Path != "/me" {
			t.Errorf("saving leads to %s: %s", p.Path, p.Text())
		}
		again, err := h.People.ByID(t.Context(), ana.ID)
		if err != nil || again.FullName != "Ana Ruiz" || len(again.Contacts) != 2 || again.Contacts[1].Verified() {
			t.Errorf("%+v %v", again, err)
		}
		if p = b.Get("/people/bea"); p.Status != 200 || p.Doc.Find("main form").Length() != 0 {
			t.Errorf("a member may edit others: %d %s", p.Status, p.Text())
		}
		if _, err := h.People.DefinePerson(t.Context(), mainstay.Person(ana.ID), "cleo", people.PersonSpec{
			Contacts: []people.ContactSpec{{Type: "webhook", Address: "https://hooks.example/secret-path", Pages: true}},
		}); err != nil {
			t.Fatal(err)
		}
		if p = b.Get("/people/cleo"); !p.Says("https://hooks.example/…") || strings.Contains(p.Body, "secret-path") {
			t.Errorf("others see the whole address of a webhook: %s", p.Text())
		}
		for _, path := range []string{"/people/new", "/people/bea/edit", "/teams/new"} {
			if p = b.Get(path); p.Status != http.StatusForbidden {
				t.Errorf("%s as a member: %d", path, p.Status)
			}
		}
		if p = b.Post("/people/bea/deactivate", nil); p.Status != http.StatusForbidden {
			t.Errorf("a member deactivates others: %d", p.Status)
		}
	})
}

func TestTeams(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea")
		b := h.As(t, "ana")
		p := b.Get("/teams").Follow("Add the first team")
		p = p.Press("Save", url.Values{"name": {"pay"}, "title": {"Payments"}, "members": {"ana, zoe"}, "leads": {"ana"}})
		if p.Status != 422 || !p.Says("There is no person") {
			t.Errorf("an unknown member: %d %s", p.Status, p.Text())
		}
		p = p.Press("Save", url.Values{"members": {"ana\r\nbea"}})
		if p.Status != 200 || p.Path != "/teams/pay" || !p.Says("2 members") || !p.Says("lead") {
			t.Errorf("%d %s %s", p.Status, p.Path, p.Text())
		}
		if p = p.Follow("Edit").Press("Save", url.Values{"members": {"bea"}, "leads": {""}}); !p.Says("1 member") {
			t.Errorf("%d %s", p.Status, p.Text())
		}
		if p = b.Get("/teams/new").Press("Save", url.Values{"name": {"pay"}}); p.Status != 422 || !p.Says("a team of this name") {
			t.Errorf("the same name twice: %d %s", p.Status, p.Text())
		}
	})
}

func TestPeopleInTheAPI(t *testing.T) {
	t.Parallel()
	eachHouse(t, func(t *testing.T, h *house.House) {
		h.Person(t, "ana", access.Grant{Role: access.Administrator})
		h.Person(t, "bea", access.Grant{Role: access.Member, Project: h.Project(t, "shop")})
		admin, bea := h.As(t, "ana"), h.As(t, "bea")
		var list web.List[peopleweb.Person]
		p := admin.Call("GET", "/api/v1/people?limit=1", "", "")
		if err := json.Unmarshal([]byte(p.Body), &list); err != nil || len(list.Items) != 1 || list.Items[0].Name != "ana" || list.Next == "" {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		if p = admin.Call("GET", "/api/v1/people?limit=1&cursor="+list.Next, "", ""); !strings.Contains(p.Body, `"next":""`) || !strings.Contains(p.Body, `"bea"`) {
			t.Errorf("the next page: %d %s", p.Status, p.Body)
		}
		if p = bea.Call("GET", "/api/v1/people/ana", "", ""); p.Status != 200 || strings.Contains(p.Body, "contacts") || p.Header.Get("ETag") == "" {
			t.Errorf("a member reads others: %d %s", p.Status, p.Body)
		}
		if p = bea.Call("GET", "/api/v1/people/bea", "", ""); p.Status != 200 || !strings.Contains(p.Body, "contacts") {
			t.Errorf("one's own: %d %s", p.Status, p.Body)
		}
		if p = bea.Call("GET", "/api/v1/teams/none", "", ""); p.Status != http.StatusNotFound {
			t.Errorf("no team: %d %s", p.Status, p.Body)
		}
	})
}
