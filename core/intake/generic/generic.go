// Package generic owns the plainest way in: a form or a JSON object with a summary, for whatever speaks no richer format. It never
// guesses: what it identifies an alert by is its dedup key, or the text itself.
package generic

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
)

// Name is the format's name in paths and keys.
const Name = "generic"

// The limits of the fields, in bytes. Longer summaries and details are cut; a longer dedup is refused, for a cut one would
// identify something else.
const (
	MaxSummary = 1024
	MaxDetails = 6144
	MaxDedup   = 512
)

// Event is what a request says.
type Event struct {
	Summary  string
	Details  string
	Severity string // critical, error, warning, info, or any word that a route matches
	Dedup    string
	Close    bool // action=close: the condition has ended
	Labels   map[string]string
}

// Read takes an event from a form, a JSON object or the query; fields of the body go before those of the query. The error is for
// the sender.
func Read(contentType string, body []byte, query url.Values) (Event, error) {
	fields := map[string]string{}
	for k, v := range query {
		if len(v) > 0 {
			fields[k] = v[0]
		}
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, err = "", nil // what the body looks like decides
	}
	switch trimmed := bytes.TrimSpace(body); {
	case len(trimmed) == 0:
	case strings.HasSuffix(media, "json") || trimmed[0] == '{' && media != "multipart/form-data":
		err = fromJSON(trimmed, fields)
	case media == "multipart/form-data":
		err = fromMultipart(body, params["boundary"], fields)
	default:
		err = fromForm(body, fields)
	}
	if err != nil {
		return Event{}, err
	}
	return event(fields)
}

func fromJSON(body []byte, fields map[string]string) error {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return mainstay.Errorf(mainstay.Invalid, "The body must be a JSON object, not %s.", wrong.Value)
		}
		return mainstay.Errorf(mainstay.Invalid, "The body is not a JSON object: %v.", err)
	}
	for k, v := range m {
		switch v := v.(type) {
		case nil:
		case map[string]any:
			if k != "labels" {
				continue // "meta" and the like: kept in the inbox, of no meaning here
			}
			for n, x := range v {
				switch x.(type) {
				case nil:
					continue
				case map[string]any, []any:
					return mainstay.Errorf(mainstay.Invalid, "The label %q must be text.", n)
				}
				fields["labels."+n] = fmt.Sprint(x)
			}
		case string, bool, float64:
			fields[k] = fmt.Sprint(v)
		default:
			if k == "summary" || k == "details" || k == "dedup" || k == "action" || k == "severity" || k == "labels" {
				return mainstay.Errorf(mainstay.Invalid, "The field %q must be text.", k)
			}
		}
	}
	return nil
}

func fromForm(body []byte, fields map[string]string) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return mainstay.Errorf(mainstay.Invalid, "The body is neither a JSON object nor a form: %v.", err)
	}
	for k, v := range form {
		fields[k] = v[0]
	}
	return nil
}

func fromMultipart(body []byte, boundary string, fields map[string]string) error {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; n < 1000; n++ {
		part, err := r.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return mainstay.Errorf(mainstay.Invalid, "The form cannot be read: %v.", err)
		}
		v, err := io.ReadAll(part)
		if err != nil {
			return mainstay.Errorf(mainstay.Invalid, "The form cannot be read: %v.", err)
		}
		fields[part.FormName()] = string(v)
	}
	return mainstay.Errorf(mainstay.Invalid, "The form has more than 1,000 fields.")
}

func event(fields map[string]string) (Event, error) {
	e := Event{Labels: map[string]string{}}
	for k, v := range fields {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return Event{}, mainstay.Errorf(mainstay.Invalid, "The field %q is not valid UTF-8.", k)
		}
		v = strings.TrimSpace(v)
		switch k {
		case "summary":
			e.Summary = cut(v, MaxSummary)
		case "details":
			e.Details = cut(v, MaxDetails)
		case "severity":
			e.Severity = strings.ToLower(v)
		case "dedup":
			e.Dedup = v
		case "action":
			if v != "" && v != "close" && v != "trigger" {
				return Event{}, mainstay.Errorf(mainstay.Invalid, "The action %q is unknown: leave it out to trigger, or say close.", v)
			}
			e.Close = v == "close"
		default:
			if name, ok := strings.CutPrefix(k, "labels."); ok && name != "" && v != "" {
				e.Labels[name] = v
			}
		}
	}
	switch {
	case len(e.Dedup) > MaxDedup:
		return Event{}, mainstay.Errorf(mainstay.Invalid, "The dedup key has %d bytes, at most %d are accepted.", len(e.Dedup), MaxDedup)
	case e.Summary == "" && !e.Close:
		return Event{}, mainstay.Errorf(mainstay.Invalid, "The field \"summary\" is missing: say in a few words what is wrong.")
	case e.Summary == "" && e.Dedup == "":
		return Event{}, mainstay.Errorf(mainstay.Invalid, "To close, send the dedup key (or the same summary and details) that it was opened with.")
	}
	return e, nil
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Signal makes the event a signal. scope keeps equal dedup keys of two services apart.
func (e Event) Signal(r *intake.Request) intake.Signal {
	dedup := e.Dedup
	if dedup == "" {
		sum := sha256.Sum256([]byte(e.Summary + "\x00" + e.Details))
		dedup = "auto:" + hex.EncodeToString(sum[:12])
	}
	labels := map[string]string{"alertname": "Generic"}
	if e.Severity != "" {
		labels["severity"] = e.Severity
	}
	for n, v := range e.Labels {
		labels[n] = v
	}
	labels["dedup"] = dedup
	notes := map[string]string{}
	if e.Summary != "" {
		notes["summary"] = e.Summary
	}
	if e.Details != "" {
		notes["description"] = e.Details
	}
	s := intake.Signal{
		Labels: intake.LabelsOf(labels), Annotations: intake.LabelsOf(notes), StartsAt: r.Now, Lasting: true,
		Fingerprint: intake.Labels{{Name: "dedup", Value: dedup}, {Name: "scope", Value: r.Scope}}.Fingerprint(),
	}
	if e.Close {
		s.EndsAt = r.Now
	}
	return s
}

// Format is the generic format below /in/{key}/generic.
type Format struct{}

// Name is "generic".
func (Format) Name() string { return Name }

// Parse reads one event.
func (f Format) Parse(r *intake.Request, l intake.Limits) intake.Parsed {
	if r.Method != "POST" {
		return intake.Parsed{Reply: problem(405, "Send a POST with a form or a JSON object.")}
	}
	e, err := Read(r.Type, r.Body, r.Query)
	if err != nil {
		return intake.Parsed{Reply: f.Refuse(mainstay.ErrorCode(err), mainstay.ErrorMessage(err))}
	}
	s := e.Signal(r)
	l = l.Filled()
	if fault := s.Labels.Check("label set", l); fault != "" {
		return intake.Parsed{Reply: problem(400, fault)}
	}
	p := intake.Parsed{Signals: []intake.Signal{s}, Reply: intake.Reply{Status: 204}, Head: true}
	if strings.Contains(r.Accept, "json") {
		scope := r.Scope
		p.Answer = func(res []intake.Result) intake.Reply { return answer(scope, res) }
	}
	return p
}

func answer(service string, res []intake.Result) intake.Reply {
	a := struct {
		AlertID   int64
		ServiceID string
		IsNew     bool
	}{ServiceID: service}
	if len(res) > 0 {
		a.AlertID, a.IsNew = res[0].Number, res[0].New
	}
	b, err := json.Marshal(a)
	if err != nil {
		return problem(500, "internal error")
	}
	return intake.Reply{Status: 200, Type: "application/json", Body: append(b, '\n')}
}

// Refuse is the reply to a request that is not parsed.
func (Format) Refuse(code mainstay.Code, message string) intake.Reply {
	return problem(intake.Status(code), message)
}

func problem(status int, message string) intake.Reply {
	b := fmt.Appendf(nil, `{"status":%d,"detail":`, status)
	b = append(intake.AppendString(b, message), "}\n"...)
	return intake.Reply{Status: status, Type: "application/problem+json", Body: b}
}
