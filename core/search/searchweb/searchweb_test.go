package searchweb_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/core/search/searchweb"
	"github.com/mainstayhq/mainstay/mainstaytest/house"
	"github.com/mainstayhq/mainstay/storage"
	"github.com/mainstayhq/mainstay/web"
)

// The palette and the API find the same: by number, by unfinished words in the palette, and only what the viewer may read.
func TestPaletteAndAPI(t *testing.T) {
	t.Parallel()
	house.Databases(t, func(t *testing.T, h *house.House) {
		index := searchdb.New(h.DB)
		s, err := search.New(search.Config{Store: index, Reads: web.Reads})
		if err != nil {
			t.Fatal(err)
		}
		pages, err := searchweb.New(searchweb.Config{Search: s, Project: h.Projects.ProjectID})
		if err != nil {
			t.Fatal(err)
		}
		h.Serve(t, pages)
		shop := h.Project(t, "shop")
		grant := access.Grant{Role: access.Member, Project: shop}
		ana := h.Person(t, "ana", grant)
		h.Person(t, "out", access.Grant{Role: access.Member, Project: h.Project(t, "bank")})
		err = h.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			return index.IndexObjects(ctx, []commit.Object{
				{Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: "i1"}, Number: 42, Project: shop, Title: "Card payments fail", State: "open", Text: "The <b>gateway</b> declines", At: h.Clock.Now()},
				{Ref: mainstay.Ref{Kind: mainstay.KindIncident, ID: "i2"}, Number: 43, Project: shop, Title: "Keys leaked", Private: true, At: h.Clock.Now()},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		v := access.Viewer{Actor: mainstay.Person(ana.ID), PersonID: ana.ID, Grants: []access.Grant{grant}}
		for text, want := range map[string]string{"INC-42": "INC-42", "paym": "INC-42", "gatew": "INC-42", "leaked": "", "INC-43": "", "((": ""} {
			hits, err := pages.Palette(t.Context(), v, text)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, x := range hits {
				got += x.Number
			}
			if got != want {
				t.Errorf("the palette finds %q for %q, want %q", got, text, want)
			}
		}
		for who, want := range map[string]int{"ana": 1, "out": 0} {
			p := h.As(t, who).Call("GET", "/api/v1/search?q=gateway", "", "")
			var list web.List[searchweb.Hit]
			if err := json.Unmarshal([]byte(p.Body), &list); err != nil || p.Status != 200 || len(list.Items) != want {
				t.Fatalf("%s: %d %s", who, p.Status, p.Body)
			}
			if want == 1 && (list.Items[0].URL != "/incidents/INC-42" || !strings.Contains(p.Body, `"marked":true`)) {
				t.Errorf("%s", p.Body)
			}
		}
	}, searchdb.Migrations())
}
