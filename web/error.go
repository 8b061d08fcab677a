package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/web/ui"
)

// statuses is the one table from codes to HTTP statuses.
var statuses = map[mainstay.Code]int{
	mainstay.Invalid:         http.StatusUnprocessableEntity,
	mainstay.Unauthenticated: http.StatusUnauthorized,
	mainstay.Denied:          http.StatusForbidden,
	mainstay.NotFound:        http.StatusNotFound,
	mainstay.Conflict:        http.StatusConflict,
	mainstay.Gone:            http.StatusGone,
	mainstay.TooLarge:        http.StatusRequestEntityTooLarge,
	mainstay.TooMany:         http.StatusTooManyRequests,
	mainstay.Unavailable:     http.StatusServiceUnavailable,
	mainstay.Internal:        http.StatusInternalServerError,
}

// Status is the HTTP status of an error's code; 200 for nil.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return http.StatusRequestEntityTooLarge
	}
	var method *methodError
	if errors.As(err, &method) {
		return http.StatusMethodNotAllowed
	}
	if errors.As(err, new(*preconditionError)) {
		return http.StatusPreconditionFailed
	}
	if s, ok := statuses[mainstay.ErrorCode(err)]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// methodError says that an address exists, but not for this method.
type methodError struct{ method, allow string }

func (e *methodError) Error() string {
	return e.method + " is not possible at this address; possible: " + e.allow + "."
}

// messageOf is what may be told about an error.
func messageOf(err error) string {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fmt.Sprintf("What you sent is larger than %d kB. Shorten it and send it again.", big.Limit>>10)
	}
	var method *methodError
	if errors.As(err, &method) {
		return method.Error()
	}
	return mainstay.ErrorMessage(err)
}

// codeOf is the code for statuses that the API frame chooses itself.
func codeOf(status int) mainstay.Code {
	for code, s := range statuses {
		if s == status {
			return code
		}
	}
	switch {
	case status == http.StatusPreconditionFailed:
		return mainstay.Conflict
	case status >= 400 && status < 500:
		return mainstay.Invalid
	}
	return mainstay.Internal
}

// Problem is an error as the API tells it (RFC 9457, application/problem+json).
type Problem struct {
	Title   string        `json:"title" doc:"The status in words"`
	Status  int           `json:"status"`
	Code    mainstay.Code `json:"code" doc:"invalid, unauthenticated, denied, not_found, conflict, gone, too_large, too_many, unavailable or internal"`
	Detail  string        `json:"detail" doc:"What happened and what to do"`
	Faults  []Fault       `json:"errors,omitempty" doc:"Where the input is wrong"`
	Request string        `json:"request,omitempty" doc:"The id of the request in the server's log"`

	header http.Header
}

// Fault is one wrong place of the input.
type Fault struct {
	Location string `json:"location" doc:"A field or a path, such as body.spec.steps[0].delay"`
	Message  string `json:"message"`
}

// Error is the problem's sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; the API frame asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are headers that go with the problem; the API frame asks for them.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType is the media type of problems; the API frame asks for it.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problemOf makes the problem of an error of ours.
func problemOf(ctx context.Context, err error) *Problem {
	status := Status(err)
	p := &Problem{Title: http.StatusText(status), Status: status, Code: codeOf(status), Detail: messageOf(err), Request: RequestID(ctx)}
	for field, message := range mainstay.ErrorFields(err) {
		p.Faults = append(p.Faults, Fault{Location: field, Message: message})
	}
	sort.Slice(p.Faults, func(i, j int) bool { return p.Faults[i].Location < p.Faults[j].Location })
	if status == http.StatusUnauthorized {
		p.header = http.Header{"Www-Authenticate": {`Bearer realm="Mainstay"`, `Basic realm="Mainstay"`}}
	}
	if seconds := RetryAfter(err); seconds != "" {
		p.header = http.Header{"Retry-After": {seconds}}
	}
	return p
}

// RetryAfter is the header of that name for an error that knows how long to wait (in whole seconds, rounded up), else "".
func RetryAfter(err error) string {
	var wait interface{ RetryAfter() time.Duration }
	if !errors.As(err, &wait) {
		return ""
	}
	return strconv.FormatInt(int64((wait.RetryAfter()+time.Second-1)/time.Second), 10)
}

// frameProblem makes the problem of an error that the API frame found: a wrong type, a missing field.
func frameProblem(ctx context.Context, status int, message string, errs ...error) *Problem {
	p := &Problem{Title: http.StatusText(status), Status: status, Code: codeOf(status), Detail: message, Request: RequestID(ctx)}
	for _, err := range errs {
		if err == nil {
			continue
		}
		fault := Fault{Message: err.Error()}
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			fault = Fault{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
		}
		p.Faults = append(p.Faults, fault)
	}
	return p
}

// note keeps the error for the access log, and logs it in full when it is ours to mend.
func (rt *Router) note(req *http.Request, err error) {
	s := scopeOf(req.Context())
	s.err = err
	if errors.Is(err, context.Canceled) && req.Context().Err() != nil {
		return // the client went away
	}
	if Status(err) == http.StatusInternalServerError {
		rt.cfg.Log.ErrorContext(req.Context(), "request failed", "request", s.request, "route", req.Pattern, "err", err)
	}
}

// WriteProblem answers with problem+json.
func (rt *Router) WriteProblem(w http.ResponseWriter, req *http.Request, err error) {
	rt.note(req, err)
	p := problemOf(req.Context(), err)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // nobody is left to tell when the client has gone
}

// fail answers with an error page, or sends the viewer to sign in.
func (c *Ctx) fail(err error) {
	c.rt.note(c.R, err)
	if c.shown {
		return
	}
	if mainstay.Is(err, mainstay.Unauthenticated) {
		c.askSignIn()
		return
	}
	if seconds := RetryAfter(err); seconds != "" {
		c.W.Header().Set("Retry-After", seconds)
	}
	status := Status(err)
	view := ui.Failure{Status: status, Title: failureTitle(status), Message: messageOf(err), Request: RequestID(c.Context())}
	for _, field := range sortedKeys(mainstay.ErrorFields(err)) {
		view.Faults = append(view.Faults, ui.Pair{Name: field, Value: mainstay.ErrorFields(err)[field]})
	}
	c.renderFailure(Page{Title: view.Title, Status: status}, ui.FailurePage(view))
}

// renderFailure shows an error page; when even that fails, plain text.
func (c *Ctx) renderFailure(p Page, body Component) {
	if err := c.Render(p, body); err != nil {
		c.rt.cfg.Log.ErrorContext(c.Context(), "error page failed", "request", RequestID(c.Context()), "err", err)
		http.Error(c.W, p.Title+"\nRequest "+RequestID(c.Context()), p.Status)
	}
}

func failureTitle(status int) string {
	switch status {
	case http.StatusNotFound:
		return "Nothing is here"
	case http.StatusForbidden:
		return "You may not do this"
	case http.StatusConflict:
		return "Someone else was faster"
	case http.StatusGone:
		return "This has ended"
	case http.StatusMethodNotAllowed:
		return "This cannot be done here"
	case http.StatusTooManyRequests:
		return "Too many tries"
	case http.StatusRequestEntityTooLarge:
		return "That is too large"
	case http.StatusUnprocessableEntity:
		return "Something in it is wrong"
	case http.StatusServiceUnavailable:
		return "Not right now"
	}
	return "Something went wrong on our side"
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
