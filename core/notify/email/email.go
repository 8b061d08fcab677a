// Package email sends notifications as mail over one SMTP server. It never decides to whom, and never reads mail.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
)

// Config says over which server and from whom.
type Config struct {
	URL  string // see ParseURL
	From string // "Mainstay <mainstay@example.com>"; default mainstay@ the server's host
}

// Sender sends mail. It keeps a few connections open for a short while: a burst does not greet the server anew each time.
type Sender struct {
	client *mail.Client
	server Server
	from   netmail.Address
	domain string // right side of Message-IDs

	mu   sync.Mutex
	idle []*connection
}

// connection is an open one. While nobody uses it, a timer closes it after a while.
type connection struct {
	client *smtp.Client
	expire *time.Timer

	mu  sync.Mutex
	raw net.Conn
}

const (
	maxIdle  = 4
	keepIdle = 15 * time.Second // servers drop idle clients after minutes
)

// New makes a sender. It connects to nothing.
func New(cfg Config) (*Sender, error) {
	server, err := ParseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.From == "" {
		cfg.From = "Mainstay <mainstay@" + fallbackDomain(server.Host) + ">"
	}
	from, err := netmail.ParseAddress(cfg.From)
	if err != nil {
		return nil, mainstay.Errorf(mainstay.Invalid, "the address that mail comes from, %q, is not a mail address", cfg.From)
	}
	client, err := server.client()
	if err != nil {
		return nil, fmt.Errorf("preparing the mail client: %w", err)
	}
	domain := from.Address[strings.LastIndex(from.Address, "@")+1:]
	return &Sender{client: client, server: server, from: *from, domain: domain}, nil
}

func fallbackDomain(host string) string {
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return "localhost.localdomain"
	}
	return host
}

// Close closes the connections that are kept open.
func (s *Sender) Close() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		if c.expire.Stop() {
			c.quit()
		}
	}
}

// Send sends one mail.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	msg, err := s.message(m)
	if err != nil {
		return notify.Receipt{}, notify.Permanent(err)
	}
	if c := s.take(); c != nil {
		m.Turn(ctx)
		err := s.over(ctx, c, msg)
		var se *mail.SendError
		if !errors.As(err, &se) || se.Reason != mail.ErrConnCheck || ctx.Err() != nil {
			return receipt(msg, err)
		} // the kept connection was dead before the mail was begun
	}
	c, err := s.dial(ctx)
	if err != nil {
		return notify.Receipt{}, failure(err)
	}
	m.Turn(ctx)
	return receipt(msg, s.over(ctx, c, msg))
}

func receipt(msg *mail.Msg, err error) (notify.Receipt, error) {
	if msg.IsDelivered() { // whatever went wrong after the server had taken it
		return notify.Receipt{Answer: msg.ServerResponse()}, nil
	}
	if err == nil {
		err = errors.New("the server did not take the mail")
	}
	return notify.Receipt{}, failure(err)
}

// socketKey is the context's key for where dial's network connection is put.
type socketKey struct{}

func (s *Sender) dial(ctx context.Context) (*connection, error) {
	c := &connection{}
	// The client waits for answers while it holds its lock, so an attempt whose time is over is ended below it.
	defer context.AfterFunc(ctx, func() { c.hangUp() })()
	client, err := s.client.DialToSMTPClientWithContext(context.WithValue(ctx, socketKey{}, c))
	if err != nil {
		c.hangUp()
		return nil, fmt.Errorf("connecting to %s: %w", s.server.Host, err)
	}
	c.client = client
	return c, nil
}

// connect opens the network connection for the client, with TLS from the start if the URL says so.
func (v Server) connect(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c, ok := ctx.Value(socketKey{}).(*connection); ok {
		c.hold(raw)
	}
	if !v.Implicit {
		return raw, nil
	}
	secure := tls.Client(raw, v.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // it is of no use
		return nil, err
	}
	return secure, nil
}

// over sends the mail on a connection, and keeps it open if it can be used again.
func (s *Sender) over(ctx context.Context, c *connection, msg *mail.Msg) error {
	stop := context.AfterFunc(ctx, c.hangUp)
	err := s.client.SendWithSMTPClient(c.client, msg)
	if !stop() {
		return fmt.Errorf("no answer in time: %w", context.Cause(ctx))
	}
	var se *mail.SendError
	if err == nil || errors.As(err, &se) && se.Reason == mail.ErrSMTPRcptTo && se.ErrorCode() > 0 { // one address was refused
		s.keep(c)
	} else {
		c.hangUp() // whatever state it is in
	}
	return err
}

func (s *Sender) take() *connection {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.idle) > 0 {
		c := s.idle[len(s.idle)-1]
		s.idle = s.idle[:len(s.idle)-1]
		if c.expire.Stop() {
			return c
		}
	}
	return nil
}

func (s *Sender) keep(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) >= maxIdle {
		go c.quit()
		return
	}
	c.expire = time.AfterFunc(keepIdle, func() { // real: the server does not follow a moved clock
		s.mu.Lock()
		s.idle = slices.DeleteFunc(s.idle, func(o *connection) bool { return o == c })
		s.mu.Unlock()
		c.quit()
	})
	s.idle = append(s.idle, c)
}

// hold notes the network connection under the client.
func (c *connection) hold(raw net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
}

// hangUp ends it whatever it waits for.
func (c *connection) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.raw != nil {
		_ = c.raw.Close() // it is of no more use
	}
}

// quit takes leave, if the server still answers.
func (c *connection) quit() {
	over := time.AfterFunc(5*time.Second, c.hangUp)
	_ = c.client.Quit() // the mail was taken before
	over.Stop()
	c.hangUp()
}

// message builds the mail. Everything in it may come from outside; the mail package encodes header values, and addresses are
// parsed, so that no line break can begin a header.
func (s *Sender) message(m notify.Message) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(m.Address)
	if err != nil || strings.ContainsFunc(to.Address, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("%q is not a mail address", m.Address)
	}
	msg := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	msg.SetAddrHeaderFromMailAddress(mail.HeaderFrom, &s.from)
	msg.SetAddrHeaderFromMailAddress(mail.HeaderTo, to)
	msg.Subject(m.Content.Subject)
	msg.SetDateWithValue(m.Now)
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain) // the same at each attempt: a receiver can tell a duplicate
	if !m.Subject.IsZero() {                         // all about one object is one thread
		root := "<" + clean(string(m.Subject.Kind)) + "." + clean(m.Subject.ID) + "@" + s.domain + ">"
		msg.SetGenHeader(mail.HeaderInReplyTo, root)
		msg.SetGenHeader(mail.HeaderReferences, root)
		msg.SetGenHeader("X-Mainstay-Subject", clean(m.Subject.String()))
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	if m.Urgent {
		msg.SetImportance(mail.ImportanceHigh)
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Content.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.Content.HTML)
	return msg, nil
}

// clean keeps what is safe in an identifier.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == ':' || r == '_' {
			return r
		}
		return '_'
	}, s)
}

// failure sorts what went wrong: a 5xx answer is for good, and so is a server whose certificate or sign-in is wrong in the way
// that no waiting mends. Everything else passes.
func failure(err error) error {
	var se *mail.SendError
	if errors.As(err, &se) {
		if se.ErrorCode() >= 500 {
			return notify.Permanent(says(se))
		}
		return says(se)
	}
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 && answer.Code != 535 && answer.Code != 530 {
		return notify.Permanent(err)
	}
	return err
}

// says takes the server's words out of what the mail package makes of them, when there are any.
func says(se *mail.SendError) error {
	text := se.Error()
	if _, quoted, ok := strings.Cut(text, fmt.Sprintf(": %d \"", se.ErrorCode())); ok {
		if words, _, ok := strings.Cut(quoted, "\""); ok {
			return fmt.Errorf("%d %s", se.ErrorCode(), words)
		}
	}
	text, _, _ = strings.Cut(text, ", affected")
	return errors.New(text)
}

var _ notify.Sender = (*Sender)(nil)

// Check connects, greets and signs in, and sends nothing: for "mainstay doctor" and the settings page.
func (s *Sender) Check(ctx context.Context) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	c.quit()
	return nil
}

// tlsConfig trusts the system's authorities, and those of the URL's ca.
func (v Server) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: v.Host, RootCAs: v.roots, MinVersion: tls.VersionTLS12}
}
