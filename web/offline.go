package web

import (
	"net/http"

	"github.com/mainstayhq/mainstay/web/assets"
	"github.com/mainstayhq/mainstay/web/ui"
)

// serveWorker is the service worker. It stands at the root because it may only answer for what lies below it, and its text
// changes with any asset, so that browsers take the new one.
func serveWorker(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write([]byte(`const STYLE = "` + assets.URL("mainstay.css") + `", FONT = "` + assets.URL("inter-latin.woff2") +
		`", ICON = "` + assets.URL("icon-192.png") + `", BADGE = "` + assets.URL("icon-32.png") + "\";\n")) // the client may have gone
	_, _ = w.Write(assets.Bytes("worker.js"))
}

// offline is what the service worker keeps for the time without a network. It holds nothing of anybody.
func (rt *Router) offline(c *Ctx) error {
	return c.Render(Page{Title: "No connection", Bare: true}, ui.OfflinePage())
}
