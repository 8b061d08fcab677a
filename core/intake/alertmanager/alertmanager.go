// Package alertmanager owns the reading of alerts as Prometheus, vmalert, Grafana and amtool post them: Alertmanager's API v2 with
// its three shapes of errors. It never keeps an alert.
package alertmanager

import (
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// Name is the format's name in paths and keys.
const Name = "alertmanager"

// Refused is an error that makes Alertmanager refuse a request whole, with its status and its own code.
type Refused struct {
	Status  int    // 400 or 422
	Code    int    // 400, 601 or 602
	Message string // as Alertmanager says it, or near it
}

func (e *Refused) Error() string { return e.Message }

// Faulty is the error of a request that was kept in part: what is wrong with the alerts that were not.
type Faulty struct{ Faults []string }

func (e *Faulty) Error() string { return strings.Join(e.Faults, "; ") }

// Parse reads the body of POST /api/v2/alerts. The error is nil, *Refused (then there are no signals) or *Faulty (then the signals
// are the valid ones). Strings of the signals share memory with one copy of the body.
func Parse(body []byte, l intake.Limits, now time.Time) ([]intake.Signal, error) {
	l = l.Filled()
	list, ok := scan(string(body))
	if !ok {
		var err error
		if list, err = decode(body); err != nil {
			return nil, err
		}
	}
	return judge(list, l, now)
}

// judge applies the rules that hold for each alert by itself, keeps the valid ones, and fills in what was left open.
func judge(list []alert, l intake.Limits, now time.Time) ([]intake.Signal, error) {
	signals := make([]intake.Signal, 0, len(list))
	var faulty *Faulty
	for i := range list {
		a := &list[i]
		if fault := a.check(l); fault != "" {
			if faulty == nil {
				faulty = &Faulty{}
			}
			if len(faulty.Faults) < 20 {
				faulty.Faults = append(faulty.Faults, fault)
			}
			continue
		}
		s := intake.Signal{
			Labels: a.labels, Annotations: a.annotations, Fingerprint: a.labels.Fingerprint(),
			StartsAt: stamp(a.startsAt), EndsAt: stamp(a.endsAt), GeneratorURL: a.generatorURL,
		}
		if s.StartsAt.IsZero() {
			s.StartsAt = now
			if !s.EndsAt.IsZero() {
				s.StartsAt = s.EndsAt
			}
		}
		signals = append(signals, s)
	}
	if faulty != nil {
		return signals, faulty
	}
	return signals, nil
}

// stamp is a time as we keep it: microseconds in UTC. Zero means unset in our database, so 1970 itself moves by a microsecond.
func stamp(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	t = t.UTC().Truncate(time.Microsecond)
	if t.UnixMicro() == 0 {
		t = t.Add(time.Microsecond)
	}
	return t
}

// alert is one element of the array, as it was sent.
type alert struct {
	labels, annotations intake.Labels
	startsAt, endsAt    time.Time
	generatorURL        string
	broken              bool // its text is not valid UTF-8
}

// check says what is wrong with an alert, in Alertmanager's words, and drops labels without a value.
func (a *alert) check(l intake.Limits) string {
	kept := a.labels[:0]
	for _, x := range a.labels {
		if x.Value != "" {
			kept = append(kept, x)
		}
	}
	a.labels = kept
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"startsAt", a.startsAt}, {"endsAt", a.endsAt}} {
		if t.at.UTC().Year() > intake.LastYear {
			return fmt.Sprintf("%s lies after the year %d", t.name, intake.LastYear)
		}
	}
	switch {
	case a.broken:
		return "invalid label set: the alert is not valid UTF-8"
	case !a.startsAt.IsZero() && !a.endsAt.IsZero() && a.endsAt.Before(a.startsAt):
		return "start time must be before end time"
	case len(a.labels) == 0:
		return "at least one label pair required"
	case len(a.generatorURL) > l.Value:
		return fmt.Sprintf("generatorURL has %d bytes, at most %d are accepted", len(a.generatorURL), l.Value)
	}
	if fault := a.labels.Check("label set", l); fault != "" {
		return fault
	}
	return a.annotations.Check("annotations", l)
}

// Format is Alertmanager's API v2 below /in/{key}/alertmanager.
type Format struct{}

// Name is "alertmanager".
func (Format) Name() string { return Name }

// Parse answers as Alertmanager does, path by path.
func (Format) Parse(r *intake.Request, l intake.Limits) intake.Parsed {
	switch path := strings.TrimSuffix(r.Path, "/"); {
	case path == "/-/ready" || path == "/-/healthy":
		return intake.Parsed{Reply: intake.Reply{Status: 200, Type: "text/plain; charset=utf-8", Body: []byte("OK")}}
	case strings.HasPrefix(path, "/api/v1"):
		return intake.Parsed{Reply: ObjectReply(410, 410, "the Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API")}
	case path != "/api/v2/alerts" && path != "":
		return intake.Parsed{Reply: ObjectReply(404, 404, fmt.Sprintf("path %s was not found", r.Path))}
	case r.Method != "POST":
		return intake.Parsed{Reply: ObjectReply(405, 405, fmt.Sprintf("method %s is not allowed, but [POST] are", r.Method))}
	}
	signals, err := Parse(r.Body, l, r.Now)
	p := intake.Parsed{Signals: signals, Reply: ReplyTo(err)}
	if faulty, ok := err.(*Faulty); ok {
		p.Partial, p.Faults = true, faulty.Faults
	}
	return p
}

// Refuse is the reply to a request that is not parsed.
func (Format) Refuse(code mainstay.Code, message string) intake.Reply {
	status := intake.Status(code)
	if status == 500 || status == 503 {
		return StringReply(status, message)
	}
	return ObjectReply(status, status, message)
}

// ReplyTo is the answer to a POST whose parsing gave the error, nil included.
func ReplyTo(err error) intake.Reply {
	switch e := err.(type) {
	case nil:
		return intake.Reply{Status: 200}
	case *Refused:
		return ObjectReply(e.Status, e.Code, e.Message)
	case *Faulty:
		return StringReply(400, e.Error())
	}
	return StringReply(500, "internal error")
}

// ObjectReply is the shape of what the API's own layer refuses.
func ObjectReply(status, code int, message string) intake.Reply {
	b := fmt.Appendf(nil, `{"code":%d,"message":`, code)
	b = append(intake.AppendString(b, message), '}')
	return intake.Reply{Status: status, Type: "application/json", Body: b}
}

// StringReply is the shape of what Alertmanager itself refuses: a JSON string.
func StringReply(status int, message string) intake.Reply {
	return intake.Reply{Status: status, Type: "application/json", Body: append(intake.AppendString(nil, message), '\n')}
}
