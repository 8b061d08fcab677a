package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/email"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// Over a real mail server: a page is read by its receiver, one that the server refuses takes the webhook, and one that is put
// off is tried again.
func TestPagesByMail(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		mail, err := email.New(email.Config{URL: server.SMTP, From: "Mainstay <mainstay@mail.test>"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(mail.Close)
		hook := newReceiver(t, e.Clock, nil)
		ana := server.Account(t)
		by := func(id, address string) notify.Recipient {
			return notify.Recipient{ID: id, Zone: "Europe/Lisbon", Methods: append(
				[]notify.Method{{Channel: "email", Address: address, Pages: true}}, hooks(false, hook.URL+"/"+id)...)}
		}
		h := newHouse(t, e, phonebook{
			"ana": by("ana", ana), "ben": by("ben", "refused@mail.test"), "cleo": by("cleo", "later@mail.test"),
		}, 0, notify.Channel{Name: "email", Sender: mail}).start()
		for _, p := range []string{"ana", "ben", "cleo"} {
			h.page(p, p)
		}
		h.settle()
		h.expect("email sent 1", "email failed 1", "email planned 1", "webhook confirmed 1")
		m := server.Wait(t, ana, 1)[0]
		if m.Subject != "[sev-1] Checkout errors above 5 % · PAG-3" {
			t.Errorf("the subject is %q", m.Subject)
		}
		for _, want := range []string{"SEV-1\nCheckout errors above 5 %", "Since", "02:56 WET, 4 min ago", "Acknowledge:\nhttps://mainstay.example.com/ack/token", "service=checkout"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("the text lacks %q:\n%s", want, m.Text)
			}
		}
		if strings.Count(m.Text, "/ack/") != 1 || strings.Count(m.HTML, "/ack/") != 1 {
			t.Errorf("there must be one link to acknowledge:\n%s", m.Text)
		}
		log := h.log()
		if !strings.Contains(log[1].Error, "550 5.1.1 there is nobody of that name") || !strings.HasPrefix(log[0].Answer, "OK id=") {
			t.Errorf("the log is %+v", log)
		}
		for range 5 { // the third failure brings the webhook in for cleo as well
			h.advance(2 * time.Second)
		}
		var cleo []string
		for _, d := range h.log() {
			if d.Person == "cleo" {
				cleo = append(cleo, d.Channel+" "+string(d.State))
			}
		}
		if strings.Join(cleo, ", ") != "email planned, webhook confirmed" {
			t.Errorf("after eight seconds cleo has %q", cleo)
		}
	}, notifydb.Migrations())
}

func TestTheSubjectOfAMailCannotBeForged(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		mail, err := email.New(email.Config{URL: server.Plain, From: "mainstay@mail.test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(mail.Close)
		to := server.Account(t)
		h := newHouse(t, e, phonebook{}, 0, notify.Channel{Name: "email", Sender: mail}).start()
		n := notify.Notice(commit.Notice{Key: "k", Project: harbour, Subject: page, Channel: "email", Address: to, At: e.Clock.Now()},
			notify.TemplatePage, notify.PageData{
				Title:   "down\r\nBcc: evil@mail.test\r\n\r\n<script>alert(1)</script>\u202Egnp.exe",
				Summary: "<img src=x onerror=alert(1)>\x00\x1b[31m", URL: "javascript:alert(1)", AckURL: "https://evil.example/\r\nX: y",
			})
		h.Commit(t, commit.Set{Notices: []commit.Notice{n}})
		h.settle()
		h.expect("email sent 1")
		m := server.Wait(t, to, 1)[0]
		if m.Header.Get("Bcc") != "" || strings.ContainsAny(m.Subject, "\r\n\u202E") {
			t.Errorf("forged:\n%s", m.Raw)
		}
		if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<img") || strings.Contains(m.HTML+m.Text, "javascript:") ||
			strings.ContainsAny(m.Text, "\x00\x1b") || strings.Contains(m.Text, "evil.example") {
			t.Errorf("hostile text came through:\n%s\n%s", m.Text, m.HTML)
		}
	}, notifydb.Migrations())
}
