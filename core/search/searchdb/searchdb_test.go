package searchdb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

type world struct {
	env   *mainstaytest.Env
	store *searchdb.Store
	*search.Service
}

func setup(t *testing.T, f func(t *testing.T, w world)) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		store := searchdb.New(e.DB)
		s, err := search.New(search.Config{Store: store, Reads: reads})
		if err != nil {
			t.Fatal(err)
		}
		f(t, world{e, store, s})
	}, searchdb.Migrations())
}

func reads(k mainstay.Kind) access.Permission {
	switch k {
	case mainstay.KindIncident:
		return access.IncidentRead
	case mainstay.KindPage:
		return access.PageRead
	case mainstay.KindArticle:
		return access.ArticleRead
	}
	return access.ProjectRead
}

func (w world) put(t testing.TB, list ...commit.Object) {
	t.Helper()
	err := w.env.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error { return w.store.IndexObjects(ctx, list) })
	if err != nil {
		t.Fatal(err)
	}
}

func obj(kind mainstay.Kind, n int64, project, title, text string) commit.Object {
	return commit.Object{
		Ref: mainstay.Ref{Kind: kind, ID: fmt.Sprintf("%s-%d", kind, n)}, Number: n, Project: project, Title: title,
		State: "open", Text: text, At: mainstaytest.Start.Add(time.Duration(n) * time.Minute),
	}
}

func (w world) find(t testing.TB, v access.Viewer, q search.Query) string {
	t.Helper()
	hits, err := w.Find(t.Context(), v, q)
	if err != nil {
		t.Fatalf("%q: %v", q.Text, err)
	}
	keys := make([]string, len(hits))
	for i, h := range hits {
		keys[i] = h.Key()
	}
	return strings.Join(keys, " ")
}

func as(role access.Role, project string) access.Viewer {
	return access.Viewer{Actor: mainstay.Person("ana"), PersonID: "ana", Grants: []access.Grant{{Role: role, Project: project}}}
}

// knowing is the viewer with a role in the private incident of harbour.
func knowing(v access.Viewer) access.Viewer {
	v.Known = []string{obj(mainstay.KindIncident, 40, "shop", "", "").Ref.ID}
	return v
}

var admin = as(access.Administrator, "")

func harbour(t testing.TB, w world) {
	secret := obj(mainstay.KindIncident, 40, "shop", "Customer data in a queue dump", "private matter")
	secret.Private = true
	schedule := obj(mainstay.KindSchedule, 0, mainstay.Installation, "Payments, primary", "")
	schedule.Name = "payments-primary"
	w.put(t,
		obj(mainstay.KindIncident, 38, "shop", "Confirmation mails come late", "The mail queue stopped draining at 09:12; workers waited on a full connection pool"),
		obj(mainstay.KindIncident, 42, "shop", "Card payments fail at checkout", "Payments declined by the bank's gateway"),
		obj(mainstay.KindArticle, 19, "shop", "Restarting the mail queue", "Symptom: confirmation mails late. Restart the worker, then the queue."),
		obj(mainstay.KindArticle, 20, "bank", "Gateway timeouts", "Connections to the gateway hang"),
		obj(mainstay.KindPage, 7, "shop", "Queue age over 5 min", ""),
		secret, schedule,
	)
}

func TestFind(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		harbour(t, w)
		for _, c := range []struct{ text, want string }{
			{"INC-42", "INC-42"}, {"inc-38", "INC-38"}, {"42", "INC-42"}, // a number jumps
			{"payments-primary", "payments-primary INC-42"}, // a name first
			{"mail queue", "KB-19 INC-38"},                  // the title counts more; then what has one word
			{"stop drain", "INC-38"},                        // endings do not matter
			{"decl", "INC-42"}, {"connecti", "KB-20 INC-38"}, {"confirmati", "INC-38 KB-19"}, {"checko", "INC-42"},
			{"the a of", ""}, {"", ""}, {"   ", ""}, {"zzz", ""},
		} {
			got := w.find(t, admin, search.Query{Text: c.text, Prefix: true, Limit: 2})
			if c.text == "connecti" { // which of the two stands first is the engine's matter
				l := strings.Fields(got)
				slices.Sort(l)
				slices.Reverse(l)
				got = strings.Join(l, " ")
			}
			if got != c.want {
				t.Errorf("%s: %q finds %q, want %q", w.env.Engine, c.text, got, c.want)
			}
		}
		if got := w.find(t, admin, search.Query{Text: "queue", Kinds: []mainstay.Kind{mainstay.KindPage}}); got != "PAG-7" {
			t.Error(got)
		}
		if got := w.find(t, admin, search.Query{Text: "gateway", Project: "bank"}); got != "KB-20" {
			t.Error(got)
		}
	})
}

// Nobody finds what they may not read, and a private incident only those who manage incidents or have a role in it.
func TestFindAsksWhoMayRead(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		harbour(t, w)
		for name, c := range map[string]struct {
			v    access.Viewer
			want string
		}{
			"nobody":         {access.Viewer{}, ""},
			"administrator":  {admin, "INC-38 INC-40 KB-19 PAG-7"},
			"manager":        {as(access.Manager, "shop"), "INC-38 INC-40 KB-19 PAG-7"},
			"responder":      {as(access.Responder, "shop"), "INC-38 KB-19 PAG-7"},
			"with a role":    {knowing(as(access.Member, "shop")), "INC-38 INC-40 KB-19 PAG-7"},
			"who left":       {knowing(as(access.Member, "bank")), ""},
			"member":         {as(access.Member, "shop"), "INC-38 KB-19 PAG-7"},
			"stakeholder":    {as(access.Stakeholder, "shop"), "INC-38 KB-19"},
			"customer":       {as(access.Customer, "shop"), ""},
			"other project":  {as(access.Manager, "bank"), ""},
			"member of both": {access.Viewer{Actor: mainstay.Person("x"), Grants: []access.Grant{{Role: access.Member, Project: "shop"}, {Role: access.Responder, Project: "bank"}}}, "INC-38 KB-19 PAG-7"},
		} {
			l := strings.Fields(w.find(t, c.v, search.Query{Text: "queue"}))
			slices.Sort(l)
			if got := strings.Join(l, " "); got != c.want {
				t.Errorf("%s finds %q, want %q", name, got, c.want)
			}
		}
		if got := w.find(t, as(access.Responder, "shop"), search.Query{Text: "INC-40"}); got != "" {
			t.Errorf("a number leads a responder to the private %s", got)
		}
		if got := w.find(t, as(access.Responder, "shop"), search.Query{Text: "private matter customer data dump"}); strings.Contains(got, "INC-40") {
			t.Errorf("words lead a responder to the private %s", got)
		}
	})
}

// The index follows the objects: changed, renamed, deleted, and undone with the transaction.
func TestIndexFollows(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		o := obj(mainstay.KindIncident, 1, "shop", "Disk full", "inode table")
		w.put(t, o)
		o.Title, o.Text, o.State = "Volume full", "", "resolved"
		w.put(t, o)
		for text, want := range map[string]string{"disk": "", "volume": "INC-1", "inode": "INC-1"} {
			if got := w.find(t, admin, search.Query{Text: text}); got != want {
				t.Errorf("%q finds %q, want %q", text, got, want)
			}
		}
		hits, err := w.Find(t.Context(), admin, search.Query{Text: "inode"})
		if err != nil || hits[0].State != "resolved" || hits[0].URL() != "/incidents/INC-1" {
			t.Errorf("%+v: %v", hits, err)
		}
		_ = w.env.DB.Write(t.Context(), storage.Normal, func(ctx context.Context) error {
			o.Title = "Undone"
			if err := w.store.IndexObjects(ctx, []commit.Object{o}); err != nil {
				t.Error(err)
			}
			return context.Canceled
		})
		if got := w.find(t, admin, search.Query{Text: "undone"}); got != "" {
			t.Error(got)
		}
		o.Deleted = true
		w.put(t, o)
		for _, text := range []string{"volume", "INC-1", "inode"} {
			if got := w.find(t, admin, search.Query{Text: text}); got != "" {
				t.Errorf("%q still finds %q", text, got)
			}
		}
	})
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		w.put(t, obj(mainstay.KindArticle, 1, "shop", "Pool", strings.Repeat("filler words ", 40)+"the <b>pools</b> were exhausted "+strings.Repeat("and more ", 60)))
		hits, err := w.Find(t.Context(), admin, search.Query{Text: "exhausted pool"})
		if err != nil || len(hits) != 1 {
			t.Fatalf("%+v: %v", hits, err)
		}
		var marked []string
		for _, s := range hits[0].Spans {
			if s.Marked {
				marked = append(marked, s.Text)
			}
		}
		if fmt.Sprint(marked) != "[pools exhausted]" || len(hits[0].Excerpt()) > 220 {
			t.Errorf("%q of %q", marked, hits[0].Excerpt())
		}
	})
}

func TestPages(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		for n := range int64(25) {
			w.put(t, obj(mainstay.KindIncident, n+1, "shop", "Queue stuck", ""))
		}
		seen, q := map[string]bool{}, search.Query{Text: "queue", Limit: 10}
		for range 3 {
			hits, err := w.Find(t.Context(), admin, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				seen[h.Key()] = true
				q.Cursor = h.Cursor
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d of 25 seen", len(seen))
		}
	})
}

// hostile is what a person, a sender or an attacker may type.
var hostile = []string{
	`"`, `""`, `'`, `a"b`, `a OR`, `AND`, `NOT x`, `NEAR(a b)`, `a*`, `*`, `^a`, `title:a`, `{title body}: a`, `a + b`, `(`, `)`, `((a`, `-a`, `a:*`, `a & b`,
	`a | !b`, `a <-> b`, `\`, `\'`, `'; DROP TABLE search_object; --`, "\x00", "a\x00b", "\xff\xfe", "é", "日本語", "ß", "\u0301", "\u200b", "𝒳", "%", "_", "$1", "?", "İ",
	"٣", "a\u0301b", "ﬁ", strings.Repeat("a", 10_000), strings.Repeat("word ", 5_000), "0", "-1", "99999999999999999999", "INC-99999999999999999999", "INC-1 OR 1=1",
}

func TestHostileTextIsNeverAnError(t *testing.T) {
	t.Parallel()
	setup(t, func(t *testing.T, w world) {
		harbour(t, w)
		for _, text := range hostile {
			for _, prefix := range []bool{false, true} {
				if _, err := w.Find(t.Context(), admin, search.Query{Text: text, Prefix: prefix, Project: text[:min(len(text), 20)], Cursor: text}); err != nil {
					t.Errorf("%q: %v", text, err)
				}
				w.find(t, admin, search.Query{Text: text + " queue", Prefix: prefix})
				w.put(t, obj(mainstay.KindArticle, 99, "shop", text, text))
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, true)
	}
	e := mainstaytest.New(f, "sqlite", searchdb.Migrations())
	s, err := search.New(search.Config{Store: searchdb.New(e.DB), Reads: reads})
	if err != nil {
		f.Fatal(err)
	}
	harbour(f, world{e, searchdb.New(e.DB), s})
	f.Fuzz(func(t *testing.T, text string, prefix bool) {
		hits, err := s.Find(t.Context(), admin, search.Query{Text: text, Prefix: prefix})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, h := range hits {
			if strings.ContainsRune(h.Excerpt(), 0) {
				t.Error("NUL in an excerpt")
			}
		}
	})
}
