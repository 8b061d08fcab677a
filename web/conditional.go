package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// conditional holds an answer of the API back until it is whole, gives it an ETag when it has none, and answers 304 to a client that
// has it already.
type conditional struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader notes the status.
func (c *conditional) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

// Write keeps the body.
func (c *conditional) Write(b []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(b)
}

// send writes what was held back.
func (c *conditional) send(req *http.Request) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	h := c.Header()
	if c.status == http.StatusOK {
		tag := h.Get("ETag")
		if tag == "" {
			sum := sha256.Sum256(c.body.Bytes())
			tag = `W/"` + hex.EncodeToString(sum[:12]) + `"`
			h.Set("ETag", tag)
		}
		h.Set("Cache-Control", "private, no-cache")
		if held := req.Header.Get("If-None-Match"); held != "" && matches(held, tag) {
			h.Del("Content-Type")
			h.Del("Content-Length")
			c.ResponseWriter.WriteHeader(http.StatusNotModified)
			return
		}
	}
	c.ResponseWriter.WriteHeader(c.status)
	_, _ = c.ResponseWriter.Write(c.body.Bytes()) // the client may have gone
}
