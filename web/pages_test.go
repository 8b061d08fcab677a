package web_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/assets"
	"github.com/mainstayhq/mainstay/web/ui"
)

func TestTheShellHasLandmarksAndOneWayToEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(cfg *web.Config) {
		cfg.Tallies = func(context.Context, access.Viewer) (map[string]ui.Tally, error) {
			return map[string]ui.Tally{"incidents": {N: 2, Crit: true}}, nil
		}
		cfg.Burning = func(context.Context, access.Viewer) (*ui.Burn, error) {
			return &ui.Burn{URL: "/incidents/INC-42", ID: "INC-42", Title: "Card payments fail", Since: noon.Add(-23 * 60e9), Next: "technical update", Due: noon.Add(160e9)}, nil
		}
		cfg.Me = func(context.Context, access.Viewer) (web.Me, error) {
			return web.Me{Name: "Ana Ruiz", OnCall: true}, nil
		}
	})
	doc := page(t, w.ask("ana", "GET", "/incidents", ""))
	for _, want := range []string{
		`html[lang=en]`, `a.skip[href="#main"]`, `main#main`, `nav[aria-label="Main"]`, `nav[aria-label="You are here"]`,
		`nav[aria-label="All sections"]`, `nav[aria-label="Main"] a[aria-current=page][href="/incidents"]`, `#burn[data-live] a.burn`,
		`dialog#palette[aria-label]`, `a.find[href="/search"]`,
	} {
		if doc.Find(want).Length() != 1 {
			t.Errorf("%d of %s", doc.Find(want).Length(), want)
		}
	}
	if got := doc.Find("title").Text(); got != "Incidents · Mainstay" {
		t.Errorf("title %q", got)
	}
	wantText(t, doc.Find(".rail a[href='/incidents']").Text(), "2 open")
	wantText(t, doc.Find(".burn").Text(), "nobody commands yet")
	wantText(t, doc.Find(".burn time[data-due]").Text(), "2:40")
	if doc.Find(`.rail a[href="/alerts"]`).Length() != 0 {
		t.Error("the rail leads to a page that is not there")
	}
	ids := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if ids[id] {
			t.Errorf("id %q twice", id)
		}
		ids[id] = true
	})
}

func TestRenderedPagesHoldNothingInline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, target := range []string{"/", "/projects", "/projects/harbour", "/search?q=%3Cscript%3E", "/incidents", "/nowhere", "/fail/conflict", "/signed-in"} {
		doc := page(t, w.ask("ana", "GET", target, ""))
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", target, goquery.NodeName(s), a.Key, a.Val)
				}
			}
			if name := goquery.NodeName(s); name == "style" || name == "script" && strings.TrimSpace(s.Text()) != "" {
				t.Errorf("%s: inline %s", target, name)
			}
		})
		if doc.Find("h1").Length() == 0 && target != "/incidents" {
			t.Errorf("%s has no heading", target)
		}
	}
}

func TestAFormNamesItsFaultAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	res := newWorld(t).ask("ana", "POST", "/incidents/INC-42/note", "note=")
	wantStatus(t, res, 422)
	doc := page(t, res)
	in := doc.Find(`input#f-note[name=note][aria-invalid=true]`)
	if by, _ := in.Attr("aria-describedby"); by != "f-note-hint f-note-err" {
		t.Errorf("described by %q", by)
	}
	wantText(t, doc.Find("#f-note-err").Text(), "Say something.")
	wantText(t, doc.Find("label[for=f-note]").Text(), "What happened")
}

func TestASentenceIsSaidOnceOnTheNextPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.ask("ana", "POST", "/incidents/INC-42/note", "note=%3Cb%3Eall+well")
	cookie := res.Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "Secure") || !strings.Contains(cookie, "SameSite=Lax") {
		t.Fatal(cookie)
	}
	said, _, _ := strings.Cut(cookie, ";")
	refresh := w.ask("ana", "GET", "/incidents/INC-42", "", "Cookie", "who=ana; "+said, "X-Live", "1")
	if refresh.Header.Get("Set-Cookie") != "" {
		t.Error("a refresh ate the toast")
	}
	res = w.ask("ana", "GET", "/incidents/INC-42", "", "Cookie", "who=ana; "+said)
	wantText(t, res.Header.Get("Set-Cookie"), "Max-Age=0")
	doc := page(t, res)
	wantText(t, doc.Find("#toasts .toast").Text(), "Noted: <b>all well")
	if to, _ := doc.Find("#toasts form[method=post]").Attr("action"); to != "/incidents/INC-42/undo" {
		t.Errorf("undo posts to %q", to)
	}
}

func TestAPanelThatFailsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	render := func(text string, err error) func(context.Context, web.At) (web.Component, error) {
		return func(context.Context, web.At) (web.Component, error) {
			if text == "" {
				return nil, err
			}
			return ui.Text(text), err
		}
	}
	w.rt.AddPanels(
		web.Panel{Where: "now", Title: "Second", Order: 2, Render: render("second", nil)},
		web.Panel{Where: "now", Title: "First", Order: 1, Render: render("first", nil)},
		web.Panel{Where: "now", Title: "Broken", Order: 3, Render: render("", errors.New("wires cut"))},
		web.Panel{Where: "now", Title: "Nothing", Order: 4, Render: render("", nil)},
		web.Panel{Where: "project", Title: "Other", Render: render("elsewhere", nil)},
	)
	text := body(t, w.ask("ana", "GET", "/", ""))
	if strings.Index(text, "first") > strings.Index(text, "second") || strings.Contains(text, "elsewhere") || strings.Contains(text, "wires cut") {
		t.Fatal(text)
	}
	wantText(t, text, "This part could not be shown")
	wantText(t, body(t, w.ask("ana", "GET", "/projects/harbour", "")), "elsewhere")
}

func TestNowSaysWhatToDoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(cfg *web.Config) {
		cfg.First = func(context.Context, access.Viewer) (*ui.First, error) {
			return &ui.First{Title: "No project is under care yet.", Text: "Begin with one.", Label: "Add a project", URL: "/projects/new", Acts: []ui.Act{{Label: "Take in alerts", URL: "/admin/keys"}}}, nil
		}
	})
	doc := page(t, w.ask("admin", "GET", "/", ""))
	if to, _ := doc.Find("main a.btn.primary").Attr("href"); to != "/projects/new" {
		t.Fatalf("the button leads to %q", to)
	}
}

func TestSearchWorksWithoutScriptAndEscapes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := page(t, w.ask("ana", "GET", "/search?q=%22%3E%3Cscript%3E", ""))
	wantText(t, doc.Find(".hits a[href='/incidents/INC-42']").Text(), `Card <b>payments</b> fail "><script>`)
	wantText(t, body(t, w.ask("ana", "GET", "/search.json?q=card", "")), `"url":"/incidents/INC-42"`)
	wantStatus(t, w.ask("ana", "GET", "/search.json?q="+strings.Repeat("x", 600), ""), 422)
	wantStatus(t, w.ask("", "GET", "/search.json?q=x", ""), 401)
}

func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.ask("ana", "GET", "/incidents", "", "Accept-Encoding", "br, gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Length") != "" {
		t.Fatalf("%v", res.Header)
	}
	z, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || !strings.HasSuffix(string(plain), "</html>") {
		t.Fatalf("%v, %d bytes", err, len(plain))
	}
	for _, encoding := range []string{"", "br", "gzip;q=0"} {
		if got := w.ask("ana", "GET", "/incidents", "", "Accept-Encoding", encoding).Header.Get("Content-Encoding"); got != "" {
			t.Errorf("Accept-Encoding %q gives %q", encoding, got)
		}
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := page(t, w.ask("ana", "GET", "/incidents", ""))
	doc.Find("link[rel=stylesheet], script[src], link[rel=icon]").Each(func(_ int, s *goquery.Selection) {
		to := s.AttrOr("href", s.AttrOr("src", ""))
		res := w.ask("", "GET", to, "")
		wantStatus(t, res, 200)
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: %s", to, got)
		}
		wantStatus(t, w.ask("", "GET", to, "", "If-None-Match", res.Header.Get("ETag")), 304)
	})
	old := w.ask("", "GET", "/assets/0000/mainstay.css", "")
	if got := old.Header.Get("Cache-Control"); old.StatusCode != 200 || got != "no-cache" {
		t.Errorf("another version: %d %s", old.StatusCode, got)
	}
	wantStatus(t, w.ask("", "GET", "/assets/0000/nothing.css", ""), 404)
	wantStatus(t, w.ask("", "GET", "/favicon.ico", ""), 200)
	wantText(t, body(t, w.ask("", "GET", "/manifest.webmanifest", "")), `"display":"standalone"`)
	for _, name := range regexp.MustCompile(`url\("([^"]+)"\)`).FindAllStringSubmatch(string(assets.Bytes("mainstay.css")), -1) {
		if assets.Bytes(name[1]) == nil {
			t.Errorf("mainstay.css wants %s", name[1])
		}
	}
}

func TestThirdPartyAssetsAreWhatTheReadmeSays(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("assets/README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^\| (\S+) \| .* \| ([0-9a-f]{64}) \|$`).FindAllStringSubmatch(string(readme), -1)
	if len(lines) < 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		if sum := sha256.Sum256(assets.Bytes(l[1])); hex.EncodeToString(sum[:]) != l[2] {
			t.Errorf("%s has another sum", l[1])
		}
	}
}

// What must not stand in a template: the policy would stop it in the browser, so the page would be broken.
var forbidden = map[string]*regexp.Regexp{
	"hx-on":              regexp.MustCompile(`\bhx-on`),
	"a js: value":        regexp.MustCompile(`["'{]\s*(js|javascript):`),
	"a trigger filter":   regexp.MustCompile(`hx-trigger\s*=\s*["'{][^"']*\[`),
	"an inline style":    regexp.MustCompile(`\sstyle\s*=`),
	"a style element":    regexp.MustCompile(`<style\b`),
	"an event attribute": regexp.MustCompile(`\son(click|change|submit|input|load|error|key\w+|mouse\w+|focus|blur)\s*=`),
	"an inline script":   regexp.MustCompile(`<script(\s[^>]*)?>[^<\s]`),
	"a templ script":     regexp.MustCompile(`(?m)^script \w+\(`),
}

func TestTemplatesHoldNoScript(t *testing.T) {
	t.Parallel()
	n := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".templ" {
			return nil
		}
		n++
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for what, re := range forbidden {
			if hit := re.Find(b); hit != nil {
				t.Errorf("%s holds %s: %s", path, what, hit)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatal("no template found")
	}
	for what, bad := range map[string]string{
		"hx-on": `<a hx-on:click="x">`, "a js: value": `hx-vals="js:{a:1}"`, "a trigger filter": `hx-trigger="click[ctrlKey]"`,
		"an inline style": `<p style="x">`, "an event attribute": `<a onclick="x">`, "an inline script": `<script>x`,
	} {
		if !forbidden[what].MatchString(bad) {
			t.Errorf("%s is not found in %s", what, bad)
		}
	}
}

func TestTheStatusTableIsWhole(t *testing.T) {
	t.Parallel()
	if web.Status(nil) != http.StatusOK || web.Status(io.EOF) != http.StatusInternalServerError {
		t.Fatal("nil or a plain error")
	}
}
