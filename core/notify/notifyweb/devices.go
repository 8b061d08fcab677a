package notifyweb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/webpush"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/web"
	"github.com/mainstayhq/mainstay/web/ui"
)

// Contacts reads and changes the ways to reach a person; people.Service does.
type Contacts interface {
	Contacts(ctx context.Context, person string, pages bool) ([]people.Contact, error)
	Change(ctx context.Context, actor mainstay.Actor, id string, vouch bool, f func(*people.Person) error) (changed bool, err error)
}

// Signer makes and checks the code that proves a device; setting.Vault does.
type Signer interface {
	Sign(purpose, text string, until time.Time) string
	Verify(purpose, token string, now time.Time) (string, error)
}

// Push is what the page of devices needs; all but Off is required.
type Push struct {
	Contacts Contacts
	Signer   Signer
	Key      string                 // this server's public key, which browsers ask for
	Check    func(url string) error // the guard's word on an address, before anything is sent there
	Off      string                 // why this server cannot push; "" when it can
}

const (
	devicePurpose = "device.confirm"
	deviceValid   = time.Hour
	mostDevices   = 10
)

// deviceRow is one device of the viewer.
type deviceRow struct {
	ID, URL, Label, Host string
	State                ui.State
	Verified, Pages      bool
	Since                time.Time
}

type devicesView struct {
	Rows []deviceRow
	Key  string
	Off  string
	Live string
}

// own are the viewer's devices, with their keys.
func (p *Pages) own(c *web.Ctx) ([]people.Contact, error) {
	if err := self(c); err != nil {
		return nil, err
	}
	list, err := p.cfg.Push.Contacts.Contacts(c.Context(), c.Viewer.PersonID, false)
	return slices.DeleteFunc(list, func(x people.Contact) bool { return x.Channel != people.Push }), err
}

func (p *Pages) devices(c *web.Ctx) error {
	list, err := p.own(c)
	if err != nil {
		return err
	}
	v := devicesView{Key: p.cfg.Push.Key, Off: p.cfg.Push.Off, Live: string(mainstay.KindPerson) + ":" + c.Viewer.PersonID}
	for _, x := range list {
		r := deviceRow{
			ID: x.ID, URL: "/me/devices/" + x.ID, Label: "A device", Host: webpush.Lane(x.Address), Verified: x.Verified(), Pages: x.ForPages, Since: x.VerifiedAt,
			State: ui.Warn("waits for its first message").As("half"),
		}
		if d, err := webpush.ParseDevice(x.Secret); err == nil && d.Label != "" {
			r.Label = d.Label
		}
		if r.Verified {
			r.State = ui.Good("connected")
		}
		v.Rows = append(v.Rows, r)
	}
	return c.Render(web.Page{Title: "Devices", Crumbs: []web.Crumb{{Text: "You", URL: "/me"}, {Text: "Notifications", URL: inboxPath}, {Text: "Devices"}}}, devicesPage(v))
}

// connect keeps what the browser said, and sends the message that proves that it arrives.
func (p *Pages) connect(c *web.Ctx) error {
	list, err := p.own(c)
	if err != nil {
		return err
	}
	d := webpush.Device{P256dh: c.Form("p256dh"), Auth: c.Form("auth"), Label: strings.Join(strings.Fields(c.Form("label")), " ")}
	address := c.Form("endpoint")
	if address == "" {
		return mainstay.Errorf(mainstay.Invalid, "The browser gave no address for messages. Turn on script, and allow notifications for this site.")
	}
	if err := d.Check(); err != nil {
		return err
	}
	if err := p.cfg.Push.Check(address); err != nil {
		return err
	}
	if len(list) >= mostDevices {
		return mainstay.Errorf(mainstay.Conflict, "You have %d devices. Remove one that you no longer use.", len(list))
	}
	person := c.Viewer.PersonID
	fresh := people.Contact{Channel: people.Push, Address: address, Secret: d.Encode(), ForPages: true}
	_, err = p.cfg.Push.Contacts.Change(c.Context(), c.Actor(), person, false, func(x *people.Person) error {
		x.Contacts = slices.DeleteFunc(x.Contacts, func(o people.Contact) bool { return o.Channel == people.Push && o.Address == address })
		return nil
	})
	if err == nil { // anew, because its keys may have changed with the same address
		_, err = p.cfg.Push.Contacts.Change(c.Context(), c.Actor(), person, false, func(x *people.Person) error {
			x.Contacts = append(x.Contacts, fresh)
			return nil
		})
	}
	if err != nil {
		return err
	}
	if list, err = p.own(c); err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(x people.Contact) bool { return x.Address == address })
	if at < 0 {
		return fmt.Errorf("a device that was just connected is not there")
	}
	if err := p.prove(c, list[at]); err != nil {
		return err
	}
	c.Say("Connected. A first message is on its way to this device; when it arrives, the list says so.")
	return c.See("/me/devices")
}

// prove sends the message whose code the device hands back.
func (p *Pages) prove(c *web.Ctx, x people.Contact) error {
	code := p.cfg.Push.Signer.Sign(devicePurpose, c.Viewer.PersonID+" "+x.ID, c.Now.Add(deviceValid))
	return p.cfg.Send(c.Context(), []commit.Notice{notify.Notice(commit.Notice{
		Key: "device/" + mainstay.NewID(c.Now), Project: mainstay.Installation, Subject: mainstay.Ref{Kind: mainstay.KindPerson, ID: c.Viewer.PersonID},
		Person: c.Viewer.PersonID, Channel: string(people.Push), Address: x.Address, Urgent: true, At: c.Now,
	}, notify.TemplateVerify, notify.LinkData{Code: code, URL: "/me/devices", Expires: c.Now.Add(deviceValid)})})
}

// confirm is what the device's worker posts: the code shows that messages to the address reach the person's own browser.
func (p *Pages) confirm(c *web.Ctx) error {
	if err := self(c); err != nil {
		return err
	}
	if c.Form("code") == "" {
		return mainstay.Errorf(mainstay.Invalid, "The code of the message is missing.")
	}
	text, err := p.cfg.Push.Signer.Verify(devicePurpose, c.Form("code"), c.Now)
	if err != nil {
		return err
	}
	person, id, _ := strings.Cut(text, " ")
	if person != c.Viewer.PersonID {
		return mainstay.Errorf(mainstay.Denied, "This message was meant for somebody else: the device is signed in as another person.")
	}
	_, err = p.cfg.Push.Contacts.Change(c.Context(), c.Actor(), person, false, func(x *people.Person) error {
		for i := range x.Contacts {
			if x.Contacts[i].ID == id && !x.Contacts[i].Verified() {
				x.Contacts[i].VerifiedAt, x.Contacts[i].VerifiedBy = c.Now, person
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.See("/me/devices")
}

// device is the viewer's own device that the path names.
func (p *Pages) device(c *web.Ctx) (people.Contact, error) {
	list, err := p.own(c)
	if err != nil {
		return people.Contact{}, err
	}
	at := slices.IndexFunc(list, func(x people.Contact) bool { return x.ID == c.Path("id") })
	if at < 0 {
		return people.Contact{}, mainstay.Errorf(mainstay.NotFound, "There is no such device of yours.")
	}
	return list[at], nil
}

func (p *Pages) testDevice(c *web.Ctx) error {
	x, err := p.device(c)
	if err != nil {
		return err
	}
	if !x.Verified() {
		err = p.prove(c, x)
	} else {
		err = p.cfg.Send(c.Context(), []commit.Notice{notify.Notice(commit.Notice{
			Key: "test/" + mainstay.NewID(c.Now), Project: mainstay.Installation, Subject: mainstay.Ref{Kind: mainstay.KindPerson, ID: c.Viewer.PersonID},
			Person: c.Viewer.PersonID, Channel: string(people.Push), Address: x.Address, Urgent: true, At: c.Now,
		}, notify.TemplateTest, notify.LinkData{})})
	}
	if err != nil {
		return err
	}
	c.Say("A message is on its way to the device. The deliveries say what becomes of it.")
	return c.See("/me/devices")
}

func (p *Pages) removeDevice(c *web.Ctx) error {
	x, err := p.device(c)
	if err != nil {
		return err
	}
	_, err = p.cfg.Push.Contacts.Change(c.Context(), c.Actor(), c.Viewer.PersonID, false, func(q *people.Person) error {
		q.Contacts = slices.DeleteFunc(q.Contacts, func(o people.Contact) bool { return o.ID == x.ID })
		return nil
	})
	if err != nil {
		return err
	}
	c.Say("Removed. Nothing is sent to that device any more.")
	return c.See("/me/devices")
}

func (p *Pages) devicePages(c *web.Ctx) error {
	x, err := p.device(c)
	if err != nil {
		return err
	}
	_, err = p.cfg.Push.Contacts.Change(c.Context(), c.Actor(), c.Viewer.PersonID, false, func(q *people.Person) error {
		for i := range q.Contacts {
			if q.Contacts[i].ID == x.ID {
				q.Contacts[i].ForPages = c.Checked("pages")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.See("/me/devices")
}
