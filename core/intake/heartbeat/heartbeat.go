// Package heartbeat owns the reading of signs of life from cron jobs and the like: a GET or POST, with status=fail when the job
// failed. It never watches whether they come; warning does.
package heartbeat

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// Name is the format's name in paths and keys.
const Name = "heartbeat"

// The bounds of what a heartbeat may promise.
const (
	Shortest = 10 * time.Second
	Longest  = 400 * 24 * time.Hour
)

const (
	maxName    = 200
	maxMessage = 2048
)

// Read takes a sign of life from a request. The name is the path, or "heartbeat" without one; every, status and message come from
// the query or a form; a plain body is the message.
func Read(r *intake.Request) (intake.Beat, error) {
	q := r.Query
	text := ""
	if strings.HasPrefix(r.Type, "application/x-www-form-urlencoded") && len(r.Body) > 0 {
		form, err := url.ParseQuery(string(r.Body))
		if err != nil {
			return intake.Beat{}, mainstay.Errorf(mainstay.Invalid, "The form cannot be read: %v.", err)
		}
		q = merge(q, form)
	} else {
		text = string(r.Body)
	}
	b := intake.Beat{Name: strings.Trim(r.Path, "/"), Message: strings.TrimSpace(text)}
	if b.Name == "" {
		b.Name = "heartbeat"
	}
	if m := q.Get("message"); m != "" {
		b.Message = m
	}
	if len(b.Name) > maxName || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unicode.IsControl) {
		return b, mainstay.Errorf(mainstay.Invalid, "The heartbeat's name must be plain text of at most %d bytes.", maxName)
	}
	b.Message = cut(strings.ToValidUTF8(b.Message, "\uFFFD"))
	var err error
	if b.Every, err = every(q.Get("every")); err != nil {
		return b, err
	}
	b.Fail, err = failed(q.Get("status"))
	return b, err
}

func merge(a, b url.Values) url.Values {
	m := url.Values{}
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}

func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// every reads a length such as 90s, 5m, 1h30m or 2d; "" is 0.
func every(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	var days time.Duration
	rest := s
	if n, after, ok := strings.Cut(s, "d"); ok {
		k, err := strconv.Atoi(n)
		if err != nil || k < 0 || k > 400 {
			return 0, badEvery(s)
		}
		days, rest = time.Duration(k)*24*time.Hour, after
	}
	var d time.Duration
	if rest != "" {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, badEvery(s)
		}
	}
	if d += days; d < Shortest || d > Longest {
		return 0, badEvery(s)
	}
	return d, nil
}

func badEvery(s string) error {
	if len(s) > 40 {
		s = s[:40]
	}
	return mainstay.Errorf(mainstay.Invalid, "every=%q is not a length between 10s and 400d, such as 5m, 1h30m or 1d.", s)
}

// failed reads a status word, or an exit code.
func failed(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "", "ok", "success", "up", "0":
		return false, nil
	case "fail", "failed", "failure", "error", "down":
		return true, nil
	}
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 256 {
		return true, nil
	}
	return false, mainstay.Errorf(mainstay.Invalid, "The status must be ok, fail or an exit code.")
}

// Format is the heartbeat format below /in/{key}/heartbeat.
type Format struct{}

// Name is "heartbeat".
func (Format) Name() string { return Name }

// Parse reads one sign of life.
func (f Format) Parse(r *intake.Request, _ intake.Limits) intake.Parsed {
	if r.Method != "POST" && r.Method != "GET" && r.Method != "HEAD" {
		return intake.Parsed{Reply: plain(405, "Send a GET or a POST.")}
	}
	b, err := Read(r)
	if err != nil {
		return intake.Parsed{Reply: f.Refuse(mainstay.ErrorCode(err), mainstay.ErrorMessage(err))}
	}
	return intake.Parsed{Beat: &b, Reply: plain(200, "ok"), Head: true}
}

// Refuse is the reply to a request that is not parsed.
func (Format) Refuse(code mainstay.Code, message string) intake.Reply {
	return plain(intake.Status(code), message)
}

func plain(status int, message string) intake.Reply {
	return intake.Reply{Status: status, Type: "text/plain; charset=utf-8", Body: fmt.Appendf(nil, "%s\n", message)}
}
