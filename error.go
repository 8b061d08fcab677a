package mainstay

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Code classifies an error for the person or program that asked. It maps to one HTTP status, in package web.
type Code string

// The codes. Internal is the code of every error that carries none.
const (
	Invalid         Code = "invalid"         // the input is wrong; the message says where
	Unauthenticated Code = "unauthenticated" // nobody is signed in, or the key is unknown
	Denied          Code = "denied"          // signed in, but not allowed
	NotFound        Code = "not_found"
	Conflict        Code = "conflict" // changed by someone else, or exists already
	Gone            Code = "gone"     // existed, and ended
	TooLarge        Code = "too_large"
	TooMany         Code = "too_many"    // rate limit
	Unavailable     Code = "unavailable" // try again later
	Internal        Code = "internal"
)

// Error is an error whose message is written for the person who reads it: it says what happened and what to do.
type Error struct {
	Code    Code
	Message string
	Fields  map[string]string // per form field, where the fault lies in one
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an error for people. Wrap errors for operators with fmt.Errorf and %w instead; never use both at one place.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ErrorCode is the code of the first Error in err's chain, Internal when there is none, and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether err carries the code.
func Is(err error, code Code) bool { return err != nil && ErrorCode(err) == code }

// ErrorMessage is what may be shown to a person: the message of the first Error in the chain, else a plain sentence
// that gives nothing of the inside away.
func ErrorMessage(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Something went wrong on our side. Nothing you sent was changed; the server's log says more."
}

// ErrorFields are the faults per form field, or nil.
func ErrorFields(err error) map[string]string {
	var e *Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

// Faults gathers what is wrong with a form or a manifest, field by field.
type Faults map[string]string

// Add notes a fault of a field; the first one of a field stays.
func (f *Faults) Add(field, format string, args ...any) {
	if *f == nil {
		*f = Faults{}
	}
	if _, ok := (*f)[field]; !ok {
		(*f)[field] = fmt.Sprintf(format, args...)
	}
}

// Err is nil without faults, else one Invalid error that lists them all in order of the field names.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	names := make([]string, 0, len(f))
	for n := range f {
		names = append(names, n)
	}
	sort.Strings(names)
	lines := make([]string, len(names))
	for i, n := range names {
		lines[i] = n + ": " + f[n]
	}
	return &Error{Code: Invalid, Message: strings.Join(lines, "; "), Fields: f}
}
