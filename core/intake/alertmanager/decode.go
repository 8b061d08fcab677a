package alertmanager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay/core/intake"
)

// decode reads any body exactly as Alertmanager's decoder does: names in either case, unknown fields, null, text after the
// array. It is slow; scan goes first and leaves to it whatever is not plain, errors above all.
func decode(body []byte) ([]alert, error) {
	var raws []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&raws); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &Refused{422, 602, "alerts in body is required"}
		}
		return nil, unreadable(err)
	}
	posts := make([]posted, len(raws))
	for i, raw := range raws {
		if err := json.Unmarshal(raw, &posts[i]); err != nil {
			return nil, unreadable(err)
		}
	}
	list := make([]alert, len(posts))
	for i := range posts {
		p := &posts[i]
		if p.Labels == nil {
			return nil, &Refused{422, 602, fmt.Sprintf("%d.labels in body is required", i)}
		}
		if p.GeneratorURL != "" && !validURI(p.GeneratorURL) {
			return nil, &Refused{422, 601, fmt.Sprintf("%d.generatorURL in body must be of type uri: %q", i, p.GeneratorURL)}
		}
		list[i] = alert{
			labels: intake.LabelsOf(p.Labels), annotations: intake.LabelsOf(p.Annotations),
			startsAt: time.Time(p.StartsAt), endsAt: time.Time(p.EndsAt), generatorURL: p.GeneratorURL,
			broken: !utf8.Valid(raws[i]),
		}
	}
	return list, nil
}

func unreadable(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		where, want := "the body", "an array of alerts"
		switch {
		case wrong.Field != "":
			where, want = wrong.Field, "text"
			if wrong.Type.Kind() == reflect.Map {
				want = "an object"
			}
		case wrong.Type.Kind() == reflect.Struct:
			where, want = "an alert", "an object"
		}
		err = fmt.Errorf("json: cannot unmarshal %s: %s must be %s", wrong.Value, where, want)
	}
	return &Refused{400, 400, `parsing alerts body from "" failed, because ` + err.Error()}
}

type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     dateTime          `json:"startsAt"`
	EndsAt       dateTime          `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// dateTime is a time in one of the forms that Alertmanager reads.
type dateTime time.Time

var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z", "2006-01-02T15:04",
	"2006-01-02 15:04:05", "2006-01-02",
}

// UnmarshalJSON reads null and "" as unset.
func (d *dateTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		return nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			*d = dateTime(t)
			return nil
		}
	}
	if len(s) > 64 {
		s = s[:64]
	}
	return fmt.Errorf("parsing time %q: it must look like 2006-01-02T15:04:05Z", s)
}

func validURI(s string) bool {
	_, err := url.ParseRequestURI(s)
	return err == nil
}
