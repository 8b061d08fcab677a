package email_test

import (
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/email"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func newSender(t testing.TB, url string) *email.Sender {
	t.Helper()
	s, err := email.New(email.Config{URL: url, From: "Mainstay <mainstay@mail.test>"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func message(id, to, subject string) notify.Message {
	return notify.Message{
		ID: id, Attempt: 1, Address: to, Urgent: true, Now: time.Now(), Template: "page",
		Subject: mainstay.Ref{Kind: mainstay.KindPage, ID: "01900000-0000-7000-8000-00000000000a"},
		Content: notify.Content{Subject: subject, Text: "SEV-1\n" + subject + "\n\nÄrger im Lager: 5 %\n", HTML: "<p>Ärger</p>"},
	}
}

func TestMailArrives(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	for name, url := range map[string]string{"AUTH and STARTTLS": server.SMTP, "without either": server.Plain, "TLS from the start": server.TLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := server.Account(t)
			subject := "[sev-1] Zahlungen schlagen fehl – 支払い · PAG-3 " + strings.Repeat("long ", 20)
			r, err := newSender(t, url).Send(t.Context(), message("01900000-0000-7000-8000-0000000000d1", "Ana Ruiz <"+to+">", subject))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(r.Answer, "OK id=") || r.Confirmed {
				t.Errorf("the receipt is %+v", r)
			}
			m := server.Wait(t, to, 1)[0]
			if m.Subject != strings.TrimSpace(subject) && m.Subject != subject {
				t.Errorf("the subject is %q", m.Subject)
			}
			if !strings.Contains(m.Text, "Ärger im Lager: 5 %") || !strings.Contains(m.HTML, "<p>Ärger</p>") {
				t.Errorf("the parts are %q and %q", m.Text, m.HTML)
			}
			for h, want := range map[string]string{
				"Message-Id": "<01900000-0000-7000-8000-0000000000d1@mail.test>", "Auto-Submitted": "auto-generated",
				"References":  "<page.01900000-0000-7000-8000-00000000000a@mail.test>",
				"In-Reply-To": "<page.01900000-0000-7000-8000-00000000000a@mail.test>",
				"From":        `"Mainstay" <mainstay@mail.test>`,
			} {
				if got := m.Header.Get(h); got != want {
					t.Errorf("%s is %q, want %q", h, got, want)
				}
			}
			received := m.Header.Get("Received")
			if secured := strings.Contains(received, "esmtps"); secured != (url != server.Plain) {
				t.Errorf("it came by %q", received)
			}
			if signedIn := strings.Contains(received, "esmtpsa"); signedIn != (url != server.Plain) {
				t.Errorf("it came by %q", received)
			}
		})
	}
}

func TestRefusalsAreForGoodAndDelaysAreNot(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	plain, signed := newSender(t, server.Plain), newSender(t, server.SMTP)
	for _, c := range []struct {
		sender    *email.Sender
		to        string
		permanent bool
		says      string
	}{
		{plain, "refused@mail.test", true, "550 5.1.1 there is nobody of that name"},
		{plain, "later@mail.test", false, "451 4.2.1 come back later"},
		{plain, "signed@mail.test", true, "authentication required"},
		{plain, "ana@elsewhere.test", true, "relaying denied"},
		{plain, "not an address", true, "not a mail address"},
		{plain, "a@mail.test, b@mail.test", true, "not a mail address"},
	} {
		_, err := c.sender.Send(t.Context(), message("d", c.to, "x"))
		if err == nil || notify.IsPermanent(err) != c.permanent || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, permanent %v; want %q, %v", c.to, err, notify.IsPermanent(err), c.says, c.permanent)
		}
	}
	if _, err := signed.Send(t.Context(), message("d", "signed@mail.test", "x")); err != nil {
		t.Errorf("with AUTH: %v", err)
	}
	bad := newSender(t, strings.Replace(server.SMTP, "secret", "wrong", 1))
	if _, err := bad.Send(t.Context(), message("d", "ana@mail.test", "x")); err == nil || notify.IsPermanent(err) {
		t.Errorf("a wrong password: %v; it must be tried again, for an operator will mend it", err)
	}
	u, err := url.Parse(server.SMTP)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = "starttls=require" // the certificate's authority is not trusted
	if _, err := newSender(t, u.String()).Send(t.Context(), message("d", "ana@mail.test", "x")); err == nil || notify.IsPermanent(err) {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}

func TestNoHeaderCanBeInjected(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	to := server.Account(t)
	s := newSender(t, server.Plain)
	m := message("id\r\nBcc: evil@mail.test", to, "hello\r\nBcc: evil@mail.test\r\n\r\nbody")
	m.Subject.ID = "x>\r\nX-Evil: 1"
	if _, err := s.Send(t.Context(), m); err != nil {
		t.Logf("refused: %v", err)
	} else {
		got := server.Wait(t, to, 1)[0]
		for _, h := range []string{"Bcc", "X-Evil"} {
			if got.Header.Get(h) != "" {
				t.Errorf("the header %s was injected:\n%s", h, got.Raw)
			}
		}
	}
	for _, hostile := range []string{"ana@mail.test\r\nRCPT TO:<ben@mail.test>", "\"a\r\nb\"@mail.test", "<ana@mail.test>\nBcc: b@mail.test"} {
		if _, err := s.Send(t.Context(), message("d", hostile, "x")); !notify.IsPermanent(err) {
			t.Errorf("%q: %v, want a refusal for good", hostile, err)
		}
	}
}

func TestABurstArrivesWhole(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	to := server.Account(t)
	s := newSender(t, server.SMTP)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 5 {
				if _, err := s.Send(t.Context(), message(string(rune('a'+w))+string(rune('a'+i)), to, "burst")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, m := range server.Wait(t, to, 40) {
		ids[m.Header.Get("Message-Id")] = true
	}
	if len(ids) != 40 {
		t.Errorf("%d different mails, want 40", len(ids))
	}
}

// A server that takes the connection and says nothing must not hold a sender for longer than the attempt may last.
func TestASilentServerIsLeft(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s := newSender(t, "smtp://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Send(ctx, message("d", "ana@mail.test", "x")); err == nil || notify.IsPermanent(err) {
		t.Errorf("got %v, want a passing error", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestAKeptConnectionThatDiedIsReplaced(t *testing.T) {
	t.Parallel()
	server := mainstaytest.Mail(t)
	u, err := url.Parse(server.Plain)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	kill := make(chan net.Conn, 8)
	go func() { // a proxy whose connections the test can cut
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", u.Host)
			if err != nil {
				return
			}
			kill <- c
			go pipe(c, to)
			go pipe(to, c)
		}
	}()
	to := server.Account(t)
	s := newSender(t, "smtp://"+l.Addr().String()+"?starttls=none")
	for _, id := range []string{"one", "two"} {
		if _, err := s.Send(t.Context(), message(id, to, id)); err != nil {
			t.Fatal(err)
		}
		if id == "one" {
			_ = (<-kill).Close()
		}
	}
	if n := len(server.Wait(t, to, 2)); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func pipe(from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			_ = to.Close()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]email.Server{
		"smtp://mail.example.com":                       {Host: "mail.example.com", Port: 587, StartTLS: "opportunistic", Auth: "auto"},
		"smtp://u:p%40@mail.example.com:25":             {Host: "mail.example.com", Port: 25, StartTLS: "require", User: "u", Password: "p@", Auth: "auto"},
		"smtps://u:p@mail.example.com?auth=login":       {Host: "mail.example.com", Port: 465, Implicit: true, User: "u", Password: "p", Auth: "login"},
		"smtp://127.0.0.1:2525?starttls=none&hello=box": {Host: "127.0.0.1", Port: 2525, StartTLS: "none", Auth: "auto", Hello: "box"},
		"smtp://u:p@localhost?starttls=none":            {Host: "localhost", Port: 587, StartTLS: "none", User: "u", Password: "p", Auth: "auto"},
	} {
		if got, err := email.ParseURL(url); err != nil || got != want {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for _, url := range []string{
		"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://host/path", "smtp://host:0", "smtp://host:x",
		"smtp://u:p@mail.example.com?starttls=none", "smtp://host?starttls=maybe", "smtps://host?starttls=require", "smtp://host?ca=/nowhere",
		"smtp://host?auth=magic", "smtp://host?tls=yes", "smtp://u:secret word@host", "smtp://host?hello=a%20b",
	} {
		_, err := email.ParseURL(url)
		if !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("%s: %v, want Invalid", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}
