package e2e

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// mailbox is an account of the real mail server that scripts/mail started; it is read as a person's mail program does, over IMAP.
type mailbox struct {
	Address string
	account string
}

// letter is one mail as its receiver sees it.
type letter struct {
	At         time.Time // when the mail server had it, to the second
	ID         string    // Message-ID
	Subject    string
	Text, HTML string
}

// newMailbox makes an account that nobody else uses. Without a mail server it is an address that no mail can be sent to.
func newMailbox(t testing.TB, name string) *mailbox {
	t.Helper()
	m := &mailbox{account: fmt.Sprintf("%s-%d", name, time.Now().UnixNano())}
	m.Address = m.account + "@mail.test"
	dir := os.Getenv("MAINSTAY_TEST_MAIL")
	if dir == "" {
		return m
	}
	f, err := os.OpenFile(filepath.Join(dir, "names"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "%s: %s\n", m.account, m.account); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

// wait reads the account until one of its mails has the words in its subject.
func (m *mailbox) wait(t testing.TB, words string) letter {
	t.Helper()
	var found letter
	eventually(t, 30*time.Second, "a mail about "+words+" for "+m.Address, func() error {
		list := m.read(t)
		for _, l := range list {
			if strings.Contains(l.Subject, words) {
				found = l
				return nil
			}
		}
		return fmt.Errorf("there are %d mails, none of them", len(list))
	})
	return found
}

// read reads all mails, in the order of arrival.
func (m *mailbox) read(t testing.TB) []letter {
	t.Helper()
	c, err := imapclient.DialInsecure(os.Getenv("MAINSTAY_TEST_IMAP"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // it was only read
	if err := c.Login(m.account, "secret").Wait(); err != nil {
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
	fetched, err := c.Fetch(all, &imap.FetchOptions{InternalDate: true, BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	var list []letter
	for _, f := range fetched {
		l, err := readLetter(f.FindBodySection(whole))
		if err != nil {
			t.Fatal(err)
		}
		l.At = f.InternalDate
		list = append(list, l)
	}
	return list
}

func readLetter(raw []byte) (letter, error) {
	var l letter
	p, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return l, err
	}
	l.ID = p.Header.Get("Message-Id")
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(p.Header.Get("Subject")); err != nil {
		return l, err
	}
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return l, fmt.Errorf("the mail %q is %q, not multipart/alternative: %w", l.Subject, kind, err)
	}
	for parts := multipart.NewReader(p.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return l, nil
		}
		if err != nil {
			return l, err
		}
		var body io.Reader = part
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(part)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			return l, err
		}
		text := strings.ReplaceAll(string(b), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.HTML = text
		} else {
			l.Text = text
		}
	}
}
