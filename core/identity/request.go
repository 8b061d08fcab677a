package identity

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/access"
)

// Viewer says who makes the request: by a bearer token, by basic authentication with any user and the token as the password, or
// by the session's cookie. Without any of these, or with a session that has ended, it is the zero viewer and no error; a wrong
// token is Unauthenticated, and too many requests of a token, or of unknown ones, TooMany.
func (s *Service) Viewer(r *http.Request) (access.Viewer, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		secret, ok := credentials(h)
		if !ok {
			return access.Viewer{}, mainstay.Errorf(mainstay.Unauthenticated,
				"The header Authorization must be \"Bearer TOKEN\", or basic authentication with the token as the password.")
		}
		return s.byToken(r.Context(), secret)
	}
	c, err := r.Cookie(s.CookieName())
	if err != nil || len(c.Value) != 43 {
		return access.Viewer{}, nil
	}
	return s.bySession(r, c.Value)
}

func (s *Service) bySession(r *http.Request, secret string) (access.Viewer, error) {
	ctx, now := r.Context(), s.cfg.Time.Now()
	session, err := s.cfg.Store.SessionByHash(ctx, digest(secret))
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !session.Alive(now) {
		return access.Viewer{}, nil
	}
	if err != nil {
		return access.Viewer{}, err
	}
	p, err := s.cfg.People.ByID(ctx, session.Person)
	if err != nil {
		return access.Viewer{}, err
	}
	if !p.Active() {
		return access.Viewer{}, nil
	}
	grants, err := s.cfg.Access.GrantsOf(ctx, p.ID)
	if err != nil {
		return access.Viewer{}, err
	}
	var known []string
	if s.cfg.Known != nil {
		if known, err = s.cfg.Known(ctx, p.ID); err != nil {
			return access.Viewer{}, err
		}
	}
	if now.Sub(session.SeenAt) >= seenEvery {
		s.touch(ctx, "session", func(ctx context.Context) error { return s.cfg.Store.SeenSession(ctx, session.ID, now) })
	}
	return access.Viewer{
		Actor: mainstay.Person(p.ID), PersonID: p.ID, Name: p.Name, Grants: grants, Zone: p.Location(), Session: session.ID,
		Known: known,
	}, nil
}

// CookieName is the name of the session's cookie.
func (s *Service) CookieName() string {
	if s.cfg.Secure {
		return "__Host-mainstay_session"
	}
	return "mainstay_session"
}

// Cookie carries a session's secret; an empty secret takes the cookie away.
func (s *Service) Cookie(secret string) *http.Cookie {
	c := &http.Cookie{
		Name: s.CookieName(), Value: secret, Path: "/", MaxAge: int(absolute / time.Second),
		HttpOnly: true, Secure: s.cfg.Secure, SameSite: http.SameSiteLaxMode,
	}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// credentials takes the token out of an Authorization header.
func credentials(h string) (secret string, ok bool) {
	if len(h) > 4096 {
		return "", false
	}
	scheme, rest, found := strings.Cut(strings.TrimSpace(h), " ")
	rest = strings.TrimSpace(rest)
	if !found || rest == "" {
		return "", false
	}
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return rest, !strings.ContainsAny(rest, " \t") && utf8.ValidString(rest)
	case strings.EqualFold(scheme, "Basic"):
		b, err := base64.StdEncoding.DecodeString(rest)
		if err != nil || !utf8.Valid(b) {
			return "", false
		}
		_, password, colon := strings.Cut(string(b), ":")
		return password, colon && password != ""
	}
	return "", false
}
