package rootcauseweb

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/practice/rootcause"
	"github.com/mainstayhq/mainstay/web"
)

// CauseInput adds a node to the graph.
type CauseInput struct {
	One
	Body struct {
		Text     string `json:"text" maxLength:"500"`
		Kind     string `json:"kind,omitempty" enum:"effect,cause,condition,mitigator,luck" doc:"cause when absent"`
		Category string `json:"category,omitempty" enum:"people,process,technology,data,environment,vendor,monitoring"`
		Explains string `json:"explains,omitempty" doc:"id of the node that it explains"`
		Edge     string `json:"edge,omitempty" enum:"because,enabled,masked,amplified" doc:"because when absent"`
	}
}

// NodeInput changes a node.
type NodeInput struct {
	One
	Node string `path:"node" doc:"id of the node, such as n2"`
	Body struct {
		Text       string `json:"text,omitempty" maxLength:"500"`
		Category   string `json:"category,omitempty" enum:"people,process,technology,data,environment,vendor,monitoring"`
		Status     string `json:"status,omitempty" enum:"hypothesis,supported,refuted" doc:"supported needs two independent pieces of evidence"`
		Confidence *int   `json:"confidence,omitempty" minimum:"0" maximum:"100"`
	}
}

// EvidenceInput adds a piece of evidence to a node.
type EvidenceInput struct {
	One
	Node string `path:"node" doc:"id of the node, such as n2"`
	Body struct {
		Type    string `json:"type" enum:"metric,log,change,timeline,interview,doc"`
		Text    string `json:"text" maxLength:"500"`
		Ref     string `json:"ref,omitempty" maxLength:"2000" doc:"exhibit:ID, another object as kind:id, or an address"`
		Digest  string `json:"digest,omitempty" maxLength:"64" doc:"SHA-256 of the frozen copy"`
		Against bool   `json:"against,omitempty"`
	}
}

// TextInput writes a part.
type TextInput struct {
	One
	Part string `path:"part" enum:"summary,happened,lessons"`
	Body struct {
		Markdown string `json:"markdown"`
		Base     int64  `json:"base,omitempty" doc:"the revision that you began from; 0 when there was none"`
	}
}

// ActionInput asks for a corrective action.
type ActionInput struct {
	One
	Body struct {
		Title string     `json:"title" maxLength:"200"`
		Owner string     `json:"owner,omitempty" doc:"a person's id"`
		Due   *time.Time `json:"due,omitempty" doc:"15 days for a sev-1, 30 for others when absent"`
		Node  string     `json:"node,omitempty" doc:"id of the node that it addresses"`
		Proof string     `json:"proof,omitempty" maxLength:"500" doc:"how its effect will be proven"`
	}
}

// ReviewInput is a reviewer's answer.
type ReviewInput struct {
	One
	Body struct {
		Agree bool `json:"agree"`
	}
}

// command adds an operation that changes one analysis and answers with what it has become.
func command[I any](p *Pages, rt *web.Router, method, pattern, summary string, do func(ctx context.Context, by mainstay.Actor, id string, in *I) error) {
	web.API(rt, web.Route{Method: method, Pattern: "/rootcauses/{id}" + pattern, Permission: access.RootCauseWrite, Kind: mainstay.KindRootCause},
		web.Doc{Summary: summary, Tag: "rootcauses"},
		func(ctx context.Context, in *I) (*web.Out[View], error) {
			id := web.RefFrom(ctx).ID
			if err := do(ctx, web.ViewerFrom(ctx).Actor, id, in); err != nil {
				return nil, err
			}
			return p.read(ctx, id)
		})
}

func (p *Pages) apiWrites(rt *web.Router) {
	s := p.cfg.RootCauses
	command(p, rt, "POST", "/causes", "Add a cause", func(ctx context.Context, by mainstay.Actor, id string, in *CauseInput) error {
		b := in.Body
		_, err := s.AddCause(ctx, by, id, rootcause.CauseDraft{
			Text: b.Text, Kind: rootcause.NodeKind(b.Kind), Category: rootcause.Category(b.Category), Explains: b.Explains, Edge: rootcause.EdgeType(b.Edge),
		})
		return err
	})
	command(p, rt, "PUT", "/causes/{node}", "Change a cause", func(ctx context.Context, by mainstay.Actor, id string, in *NodeInput) error {
		b := in.Body
		c := rootcause.CauseChange{Text: b.Text, Category: rootcause.Category(b.Category), Status: rootcause.Status(b.Status), Confidence: -1}
		if b.Confidence != nil {
			c.Confidence = *b.Confidence
		}
		return s.ChangeCause(ctx, by, id, in.Node, c)
	})
	command(p, rt, "POST", "/causes/{node}/evidence", "Add a piece of evidence", func(ctx context.Context, by mainstay.Actor, id string, in *EvidenceInput) error {
		b := in.Body
		return s.AddEvidence(ctx, by, id, in.Node, rootcause.Evidence{Type: b.Type, Text: b.Text, Ref: b.Ref, Digest: b.Digest, Against: b.Against})
	})
	command(p, rt, "PUT", "/texts/{part}", "Write a part", func(ctx context.Context, by mainstay.Actor, id string, in *TextInput) error {
		return s.Write(ctx, by, id, rootcause.Part(in.Part), in.Body.Markdown, in.Body.Base)
	})
	command(p, rt, "POST", "/actions", "Ask for a corrective action", func(ctx context.Context, by mainstay.Actor, id string, in *ActionInput) error {
		b := in.Body
		d := rootcause.ActionDraft{Title: b.Title, Owner: b.Owner, Node: b.Node, Proof: b.Proof}
		if b.Due != nil {
			d.Due = b.Due.UTC()
		}
		_, err := s.AddAction(ctx, by, id, d)
		return err
	})
	command(p, rt, "POST", "/send", "Send it for review", func(ctx context.Context, by mainstay.Actor, id string, _ *One) error { return s.Send(ctx, by, id) })
	command(p, rt, "POST", "/review", "Agree, or send it back", func(ctx context.Context, by mainstay.Actor, id string, in *ReviewInput) error {
		return s.Review(ctx, by, id, in.Body.Agree)
	})
	command(p, rt, "POST", "/publish", "Publish it", func(ctx context.Context, by mainstay.Actor, id string, _ *One) error { return s.Publish(ctx, by, id) })
}
