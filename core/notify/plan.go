package notify

import (
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
)

// Available says why a channel cannot be used on this server, "" when it can.
type Available func(channel string) string

// Plan decides what becomes of a notice: one delivery to each address that it goes to, and one suppressed delivery, with its
// cause, for each that it would have gone to but for something. It is never empty. who is not used when the notice names an
// address.
func Plan(n commit.Notice, notice string, who Recipient, available Available, now time.Time) []Delivery {
	base := Delivery{
		Notice: notice, Project: n.Project, Subject: n.Subject, Person: n.Person, Template: n.Template, Urgent: n.Urgent,
		Zone: who.Zone, State: Planned, Planned: now, Next: now,
	}
	switch {
	case n.Address != "":
		return []Delivery{base.to(n.Key, Method{Channel: n.Channel, Address: n.Address, Blocked: available(n.Channel)})}
	case who.Blocked != "":
		return []Delivery{base.to(n.Key, Method{Blocked: who.Blocked})}
	}
	var list []Delivery
	reached := false
	methods := wished(who.arranged(true))
	if !n.Urgent {
		var why string
		if methods, why = who.wished(n.Template, n.Subject); why != "" {
			return []Delivery{base.to(n.Key, Method{Blocked: why})}
		}
	}
	for _, m := range methods {
		if m.Blocked == "" {
			m.Blocked = available(m.Channel)
		}
		list = append(list, who.hold(base.to(n.Key, m)))
		reached = reached || m.Blocked == ""
		if reached && !n.Urgent {
			return list
		}
	}
	if !reached && n.Urgent { // what is not meant for pages is still better than silence
		for _, m := range who.arranged(true) {
			if !m.Pages && m.Blocked == "" && available(m.Channel) == "" {
				d := base.to(n.Key, m)
				d.Reason = "the person has no usable address for pages"
				return append(list, d)
			}
		}
	}
	if len(list) == 0 {
		list = append(list, base.to(n.Key, Method{Blocked: "the person has no address to be reached at"}))
	}
	return list
}

// wished are the methods that a page goes to if nothing is in the way: all those for pages.
func wished(methods []Method) []Method {
	var list []Method
	for _, m := range methods {
		if m.Pages {
			list = append(list, m)
		}
	}
	return list
}

// to completes a delivery for one method.
func (d Delivery) to(key string, m Method) Delivery {
	d.ID = mainstay.NewID(d.Planned)
	d.Key, d.Channel, d.Address = Key(key, m.Channel, m.Address), m.Channel, m.Address
	if m.Blocked != "" {
		d.State, d.Reason, d.Ended, d.Next = Suppressed, m.Blocked, d.Planned, time.Time{}
	}
	return d
}

// Relief is the delivery that takes over from a failed one: to the person's first usable method that this notice has not
// been sent to. It reports false when there is none. had are all deliveries of the notice.
func Relief(failed Delivery, key string, who Recipient, had []Delivery, available Available, now time.Time) (Delivery, bool) {
	if failed.Person == "" || who.Blocked != "" {
		return Delivery{}, false
	}
	used := map[string]bool{}
	for _, d := range had {
		used[d.Key] = true
	}
	methods := who.arranged(failed.Urgent)
	if !failed.Urgent {
		methods, _ = who.wished(failed.Template, failed.Subject)
	}
	for _, m := range methods {
		if m.Blocked != "" || available(m.Channel) != "" || used[Key(key, m.Channel, m.Address)] {
			continue
		}
		d := Delivery{
			Notice: failed.Notice, Project: failed.Project, Subject: failed.Subject, Person: failed.Person,
			Template: failed.Template, Urgent: failed.Urgent, Zone: who.Zone, State: Planned, Planned: now, Next: now,
			Instead: failed.ID, Reason: "takes over from " + failed.Channel,
		}
		return who.hold(d.to(key, m)), true
	}
	return Delivery{}, false
}
