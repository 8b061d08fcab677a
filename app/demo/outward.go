package demo

import (
	"context"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
	"github.com/mainstayhq/mainstay/core/webhook"
)

// hooks are an endpoint that works, and one whose receiver is not there: what an operator sees of each.
const hooks = `
apiVersion: mainstay/v1
kind: Webhook
metadata: {name: operations-chat, project: harbour}
spec: {url: "{CHAT}", description: The operations chat, kinds: ["incident.*", "page.*", "post.published"]}
---
apiVersion: mainstay/v1
kind: Webhook
metadata: {name: warehouse, project: harbour}
spec: {url: "http://127.0.0.1:9/facts", description: The data warehouse, batch: 100}
`

// deliverOutward adds the endpoints once the past is played, so that it is not delivered while it is, and replays its last day.
func (d *Demo) deliverOutward(ctx context.Context) error {
	text := strings.Replace(hooks, "{CHAT}", d.hookAt, 1)
	if _, err := d.App.Apply(ctx, operator, []app.Source{{Name: "webhooks.yaml", Text: text}}, false, nil); err != nil {
		return err
	}
	list, err := d.App.Webhooks.Endpoints(ctx, []string{d.project})
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Name != "operations-chat" {
			continue
		}
		since := webhook.Range{Since: time.Now().Add(-24 * time.Hour)} // the demonstration lives in real time by now
		if _, err := d.App.Webhooks.Replay(ctx, webhook.Writer{Actor: operator, Administrator: true}, e.ID, since); err != nil && !mainstay.Is(err, mainstay.Invalid) {
			return err
		}
	}
	return nil
}
