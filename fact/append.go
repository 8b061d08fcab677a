package fact

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// appender is a payload that writes its own JSON, for kinds of which there are tens of thousands a second. It must write what
// encoding/json would read alike; a test compares them.
type appender interface {
	appendJSON(b []byte) []byte
}

// object writes the members of a JSON object, empty ones left out.
type object []byte

func (o *object) name(n string) {
	if len(*o) > 1 {
		*o = append(*o, ',')
	}
	*o = append(*o, '"')
	*o = append(*o, n...)
	*o = append(*o, '"', ':')
}

func (o *object) text(name, value string) {
	if value == "" {
		return
	}
	o.name(name)
	*o = appendText(*o, value)
}

func (o *object) number(name string, value int64) {
	if value != 0 {
		o.name(name)
		*o = strconv.AppendInt(*o, value, 10)
	}
}

func (o *object) time(name string, value time.Time) {
	if !value.IsZero() {
		o.name(name)
		*o = append(value.AppendFormat(append(*o, '"'), time.RFC3339Nano), '"')
	}
}

func appendText(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // what is not UTF-8 comes as the replacement character
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

func (p AlertFired) appendJSON(b []byte) []byte {
	o := object(append(b, '{'))
	o.number("number", p.Number)
	o.text("name", p.Name)
	o.text("summary", p.Summary)
	o.text("fingerprint", p.Fingerprint)
	o.text("service", p.Service)
	o.text("severity", p.Severity)
	o.text("route", p.Route)
	o.time("startsAt", p.StartsAt)
	return append(o, '}')
}

func (p AlertResolved) appendJSON(b []byte) []byte {
	o := object(append(b, '{'))
	o.number("number", p.Number)
	o.text("name", p.Name)
	o.text("fingerprint", p.Fingerprint)
	o.time("endsAt", p.EndsAt)
	o.text("reason", p.Reason)
	return append(o, '}')
}

func (p PageWanted) appendJSON(b []byte) []byte {
	o := object(append(b, '{'))
	o.text("policy", p.Policy)
	o.text("urgency", p.Urgency)
	o.text("severity", p.Severity)
	o.text("title", p.Title)
	o.text("reason", p.Reason)
	o.text("service", p.Service)
	return append(o, '}')
}
