package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/people"
)

// What a person chose counts for notices that are no pages. Of pages it orders the addresses, and neither delays nor drops one.

// Topic is the kind of notice for which a person may choose channels; "" for those that come whatever was chosen, because somebody
// waits for them.
func Topic(template string, subject mainstay.Ref) string {
	switch template {
	case TemplateInvite, TemplateReset, TemplateVerify, TemplateTest, people.DigestTemplate:
		return ""
	}
	switch subject.Kind {
	case mainstay.KindIncident, mainstay.KindAction, mainstay.KindRootCause, mainstay.KindArticle, mainstay.KindPage:
		return string(subject.Kind)
	case mainstay.KindPost:
		return string(mainstay.KindIncident)
	}
	return "other"
}

// arranged are the person's methods in the order that they chose for pages, or for everything else.
func (r Recipient) arranged(urgent bool) []Method {
	order := r.Wish.Order
	if urgent {
		order = r.Wish.PageOrder
	}
	return byOrder(r.Methods, order)
}

func byOrder(list []Method, order []people.Channel) []Method {
	rank := func(m Method) int {
		if i := slices.Index(order, people.Channel(m.Channel)); i >= 0 {
			return i
		}
		return len(order)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Method) int { return rank(a) - rank(b) })
	return list
}

// wished are the methods for a notice that is no page, in order, and why there are none.
func (r Recipient) wished(template string, subject mainstay.Ref) (list []Method, why string) {
	topic := Topic(template, subject)
	words := r.Wish.Topics[topic]
	list = r.arranged(false)
	switch {
	case template == people.DigestTemplate: // a summary is a mail, if it can be one
		return byOrder(list, []people.Channel{people.Email}), ""
	case topic == "" || len(words) == 0:
		return list, ""
	case words[0] == people.Nowhere:
		return nil, "the person chose not to be sent " + topicWords(topic)
	case words[0] == people.InDigest:
		return nil, "the person chose to read of " + topicWords(topic) + " in the digest"
	}
	var order []people.Channel
	for _, w := range words {
		order = append(order, people.Channel(w))
	}
	list = slices.DeleteFunc(byOrder(list, order), func(m Method) bool { return !slices.Contains(words, m.Channel) })
	if len(list) == 0 {
		why = fmt.Sprintf("the person wants %s by %s, and has no such address", topicWords(topic), strings.Join(words, " or "))
	}
	return list, why
}

func topicWords(topic string) string {
	switch topic {
	case "rootcause":
		return "root cause analyses"
	case "other":
		return "other notices"
	}
	return topic + "s"
}

// hold puts a delivery off to the end of the person's quiet hours.
func (r Recipient) hold(d Delivery) Delivery {
	if d.State != Planned || d.Urgent || Topic(d.Template, d.Subject) == "" {
		return d
	}
	loc, err := time.LoadLocation(r.Zone)
	if err != nil {
		loc = time.UTC
	}
	if until := r.Wish.Quiet.Until(d.Planned, loc); !until.IsZero() {
		d.Next = until
		d.Reason = joined(d.Reason, "held until "+until.In(loc).Format("Mon 15:04")+", the end of the person's quiet hours")
	}
	return d
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
