package intake

import (
	"encoding/json"
	"fmt"
	"net/url"
)

type head struct {
	Method string `json:"m,omitempty"`
	Path   string `json:"p,omitempty"`
	Query  string `json:"q,omitempty"`
	Type   string `json:"t,omitempty"`
}

// Head is what besides its body is needed to read the request again.
func (r *Request) Head() string {
	b, err := json.Marshal(head{r.Method, r.Path, r.Query.Encode(), r.Type})
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(b)
}

// Again makes the request of a head ("" for a plain POST) and a body. Now is the caller's to set.
func Again(text string, body []byte) (*Request, error) {
	r := &Request{Method: "POST", Body: body}
	if text == "" {
		return r, nil
	}
	var h head
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, fmt.Errorf("reading the head of a request: %w", err)
	}
	q, err := url.ParseQuery(h.Query)
	if err != nil {
		return nil, fmt.Errorf("reading the head of a request: %w", err)
	}
	r.Method, r.Path, r.Query, r.Type = h.Method, h.Path, q, h.Type
	return r, nil
}
