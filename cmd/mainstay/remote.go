package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
)

// ask sends one request to the API of a running server.
func (r remote) ask(ctx context.Context, method, path string, in, out any) error {
	token := r.Token
	if token == "" {
		token = os.Getenv("MAINSTAY_TOKEN")
	}
	if token == "" {
		return usage("--server needs --token")
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(r.Server, "/")+path, bytes.NewReader(body))
	if err != nil {
		return usage("--server: %v", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it is read whole
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		var p struct{ Detail string }
		if json.Unmarshal(text, &p) != nil || p.Detail == "" {
			return fmt.Errorf("%s answered %s", r.Server, res.Status)
		}
		if res.StatusCode == 400 || res.StatusCode == 422 {
			return mainstay.Errorf(mainstay.Invalid, "%s", p.Detail)
		}
		return fmt.Errorf("%s", p.Detail)
	}
	return json.Unmarshal(text, out)
}
