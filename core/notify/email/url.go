package email

import (
	"crypto/x509"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/mainstayhq/mainstay"
)

// Server is where mail is handed in.
type Server struct {
	Host     string
	Port     int
	Implicit bool   // TLS from the start: smtps
	StartTLS string // require, opportunistic or none; "" with Implicit
	User     string
	Password string
	Auth     string // auto, plain, login, cram-md5
	Hello    string // the name we greet with; default the machine's
	roots    *x509.CertPool
}

// ParseURL reads an SMTP URL:
//
//	smtp://user:password@host:port?starttls=require|opportunistic|none&ca=FILE&auth=auto|plain|login|cram-md5&hello=NAME
//	smtps://user:password@host:port?ca=FILE
//
// The ports default to 587 and 465. STARTTLS is required when there is a password, else it is used when the server offers it.
// A password never goes over an unencrypted connection, but to this very machine. ca is a file of authorities to trust.
func ParseURL(raw string) (Server, error) {
	u, err := url.Parse(raw)
	if err != nil { // the error would show the password
		return Server{}, mainstay.Errorf(mainstay.Invalid, "the mail server's URL cannot be read: it looks like smtp://user:password@host:587")
	}
	v := Server{Host: u.Hostname(), Port: 587, StartTLS: "opportunistic", Auth: "auto"}
	switch u.Scheme {
	case "smtp":
	case "smtps":
		v.Port, v.Implicit, v.StartTLS = 465, true, ""
	default:
		return Server{}, mainstay.Errorf(mainstay.Invalid, "the mail server's URL must begin with smtp:// or smtps://")
	}
	if v.Host == "" || u.Path != "" && u.Path != "/" {
		return Server{}, mainstay.Errorf(mainstay.Invalid, "the mail server's URL must name a host and no path: smtp://host:587")
	}
	if p := u.Port(); p != "" {
		if v.Port, err = strconv.Atoi(p); err != nil || v.Port < 1 || v.Port > 65535 {
			return Server{}, mainstay.Errorf(mainstay.Invalid, "%q is not a port", p)
		}
	}
	if u.User != nil {
		v.User = u.User.Username()
		v.Password, _ = u.User.Password()
		if !v.Implicit && !local(v.Host) {
			v.StartTLS = "require"
		}
	}
	return v, v.options(u.Query())
}

func (v *Server) options(q url.Values) error {
	for name := range q {
		value := q.Get(name)
		switch name {
		case "starttls":
			if v.Implicit || value != "require" && value != "opportunistic" && value != "none" {
				return mainstay.Errorf(mainstay.Invalid, "starttls must be require, opportunistic or none, and not stand with smtps://")
			}
			if value != "require" && v.User != "" && !local(v.Host) {
				return mainstay.Errorf(mainstay.Invalid, "a password must not go over an unencrypted connection: starttls=require, or no user")
			}
			v.StartTLS = value
		case "ca":
			pem, err := os.ReadFile(value)
			if err != nil {
				return mainstay.Errorf(mainstay.Invalid, "the file of the mail server's ca cannot be read: %s", value)
			}
			if v.roots, err = x509.SystemCertPool(); err != nil {
				v.roots = x509.NewCertPool()
			}
			if !v.roots.AppendCertsFromPEM(pem) {
				return mainstay.Errorf(mainstay.Invalid, "%s holds no certificate", value)
			}
		case "auth":
			if _, ok := mechanisms[value]; !ok {
				return mainstay.Errorf(mainstay.Invalid, "auth must be auto, plain, login or cram-md5")
			}
			v.Auth = value
		case "hello":
			if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
				return mainstay.Errorf(mainstay.Invalid, "hello must be a host name")
			}
			v.Hello = value
		default:
			return mainstay.Errorf(mainstay.Invalid, "the mail server's URL has an unknown option %q", name)
		}
	}
	return nil
}

var mechanisms = map[string]mail.SMTPAuthType{
	"auto": mail.SMTPAuthAutoDiscover, "plain": mail.SMTPAuthPlain, "login": mail.SMTPAuthLogin, "cram-md5": mail.SMTPAuthCramMD5,
}

func local(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func (v Server) client() (*mail.Client, error) {
	options := []mail.Option{mail.WithPort(v.Port), mail.WithTimeout(20 * time.Second), mail.WithTLSConfig(v.tlsConfig()),
		mail.WithDialContextFunc(v.connect)}
	switch {
	case v.Implicit:
		options = append(options, mail.WithSSL())
	case v.StartTLS == "require":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case v.StartTLS == "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if v.User != "" {
		mechanism := mechanisms[v.Auth]
		switch {
		case v.Implicit && v.Auth == "auto": // the client looks for encryption only where it began it itself
			mechanism = mail.SMTPAuthPlain
		case v.StartTLS == "none": // to this very machine
			if v.Auth == "login" {
				mechanism = mail.SMTPAuthLoginNoEnc
			} else if v.Auth != "cram-md5" {
				mechanism = mail.SMTPAuthPlainNoEnc
			}
		}
		options = append(options, mail.WithSMTPAuth(mechanism), mail.WithUsername(v.User), mail.WithPassword(v.Password))
	}
	if v.Hello != "" {
		options = append(options, mail.WithHELO(v.Hello))
	}
	return mail.NewClient(v.Host, options...)
}
