package app_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
)

// TestTheLiveStreamOutlivesTheLimits that a request has for being read and answered.
func TestTheLiveStreamOutlivesTheLimits(t *testing.T) {
	t.Parallel()
	s := servertest.New(t, "sqlite")
	s.Apply(t, ill)
	front := httptest.NewUnstartedServer(s.Handler())
	front.Config.ReadTimeout, front.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	front.Start()
	t.Cleanup(front.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, front.URL+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(s.As(t, "ana").Cookie)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()  //nolint:errcheck // it ends with the test
	time.Sleep(time.Second) // real: the limits of a real connection pass
	id, err := s.Projects.ProjectID(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	s.Touch(id, mainstay.Ref{Kind: mainstay.KindProject, ID: id})
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), "project:"+id) {
			return
		}
	}
	t.Error("after its limits the stream was cut")
}
