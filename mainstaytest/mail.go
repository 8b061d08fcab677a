package mainstaytest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// MailServer is the real mail server that scripts/mail started: exim takes mail, dovecot serves it.
type MailServer struct {
	SMTP  string // URL with AUTH and STARTTLS
	Plain string // URL of the same without either
	TLS   string // URL with TLS from the start
	dir   string
	imap  string
}

// Mail is the mail server of this test run. It skips the test when there is none; see Need.
func Mail(t testing.TB) *MailServer {
	t.Helper()
	return &MailServer{
		dir: Need(t, "mail"), SMTP: os.Getenv("MAINSTAY_TEST_SMTP"), Plain: os.Getenv("MAINSTAY_TEST_SMTP_PLAIN"),
		TLS: os.Getenv("MAINSTAY_TEST_SMTPS"), imap: os.Getenv("MAINSTAY_TEST_IMAP"),
	}
}

var accounts atomic.Int64

// Account makes an account that nobody else uses, and returns its address.
func (m *MailServer) Account(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d-%d", os.Getpid(), accounts.Add(1))
	f, err := os.OpenFile(filepath.Join(m.dir, "names"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // a test
	if _, err := fmt.Fprintf(f, "%s: %s\n", name, name); err != nil {
		t.Fatal(err)
	}
	return name + "@mail.test"
}

// MailMessage is one mail as its receiver sees it.
type MailMessage struct {
	Header  netmail.Header
	Subject string // decoded
	Text    string
	HTML    string
	Raw     []byte
}

// Wait reads the account until it holds at least n mails, for up to 20 seconds, and returns them in the order of arrival.
func (m *MailServer) Wait(t testing.TB, address string, n int) []MailMessage {
	t.Helper()
	var list []MailMessage
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // real: the server is
		if list = m.Read(t, address); len(list) >= n {
			return list
		}
	}
	t.Fatalf("%s holds %d mails after 20 s, want %d", address, len(list), n)
	return nil
}

// Read reads every mail of the account, in the order of arrival.
func (m *MailServer) Read(t testing.TB, address string) []MailMessage {
	t.Helper()
	c, err := imapclient.DialInsecure(m.imap, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // a test
	if err := c.Login(strings.TrimSuffix(address, "@mail.test"), "secret").Wait(); err != nil {
		t.Fatal(err)
	}
	box, err := c.Select("INBOX", nil).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if box.NumMessages == 0 {
		return nil
	}
	var all imap.SeqSet
	all.AddRange(1, box.NumMessages)
	whole := &imap.FetchItemBodySection{Peek: true}
	fetched, err := c.Fetch(all, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var list []MailMessage
	for _, f := range fetched {
		list = append(list, parseMail(t, f.FindBodySection(whole)))
	}
	return list
}

func parseMail(t testing.TB, raw []byte) MailMessage {
	t.Helper()
	p, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	m := MailMessage{Header: p.Header, Raw: raw}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(p.Header.Get("Subject")); err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		b, _ := io.ReadAll(p.Body)
		m.Text = string(b)
		return m
	}
	parts := multipart.NewReader(p.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return m
		}
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = text
		} else {
			m.Text = text
		}
	}
}
