package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// providerCache keeps what providers say of themselves for an hour.
type providerCache struct {
	mu   sync.Mutex
	kept map[string]discovered // by issuer
}

type discovered struct {
	*oidc.Provider
	at time.Time
}

const discoveryLife = time.Hour

// discover asks a provider what it can do. Nothing is kept of one that does not answer.
func (s *Service) discover(ctx context.Context, p Provider) (*oidc.Provider, error) {
	if s.cfg.HTTP == nil {
		return nil, mainstay.Errorf(mainstay.Unavailable, "This server reaches no identity providers.")
	}
	c := &s.providers
	c.mu.Lock()
	kept, ok := c.kept[p.Spec.Issuer]
	c.mu.Unlock()
	now := s.cfg.Time.Now()
	if ok && now.Sub(kept.at) < discoveryLife {
		return kept.Provider, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, s.cfg.HTTP), p.Spec.Issuer)
	if err != nil {
		return nil, err
	}
	if err := endpointsSafe(p, found.Endpoint()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) > 100 {
		c.kept = map[string]discovered{}
	}
	c.kept[p.Spec.Issuer] = discovered{found, now}
	return found, nil
}

// endpointsSafe refuses a provider that would have the secret sent in clear.
func endpointsSafe(p Provider, e oauth2.Endpoint) error {
	for _, to := range []string{e.AuthURL, e.TokenURL} {
		u, err := url.Parse(to)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(p.Spec.Issuer, "http://")) {
			return fmt.Errorf("the provider names the endpoint %q, which is not an https address", clip(to, 200))
		}
	}
	return nil
}

// errProvider is what people are told when the provider cannot be asked; the cause is for the operator.
func (s *Service) errProvider(ctx context.Context, p Provider, err error) error {
	s.cfg.Log.WarnContext(ctx, "identity provider cannot be asked", "provider", p.Name, "err", err)
	return mainstay.Errorf(mainstay.Unavailable, "%s cannot be reached at the moment. Try again, or sign in by other means.", p.Title())
}

// Probe asks the provider whether it can be used, and says in words what is wrong; "" when nothing is.
func (s *Service) Probe(ctx context.Context, name string) (string, error) {
	p, err := s.Provider(ctx, name)
	if err != nil {
		return "", err
	}
	s.providers.mu.Lock()
	delete(s.providers.kept, p.Spec.Issuer)
	s.providers.mu.Unlock()
	found, err := s.discover(ctx, p)
	if err != nil {
		return clip(err.Error(), 500), nil
	}
	var says struct {
		Methods []string `json:"code_challenge_methods_supported"`
		Scopes  []string `json:"scopes_supported"`
	}
	if err := found.Claims(&says); err != nil {
		return clip(err.Error(), 500), nil
	}
	for _, scope := range p.Spec.scopes() {
		if len(says.Scopes) > 0 && !slices.Contains(says.Scopes, scope) {
			return fmt.Sprintf("It answers, but does not list the scope %q.", scope), nil
		}
	}
	return "", nil
}

func (x ProviderSpec) scopes() []string {
	list := []string{oidc.ScopeOpenID}
	wish := x.Scopes
	if len(wish) == 0 {
		wish = []string{"email", "profile"}
	}
	for _, s := range wish {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func (x ProviderSpec) groupsClaim() string {
	if x.GroupsClaim == "" {
		return "groups"
	}
	return x.GroupsClaim
}

// Away is a browser on its way to a provider. Cookie must come back with the provider's answer; it is sealed.
type Away struct {
	URL    string
	Cookie string
	State  string
}

type away struct {
	For      string    `json:"for"`
	Provider string    `json:"provider"`
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Back     string    `json:"back"`
	Next     string    `json:"next"`
	Until    time.Time `json:"until"`
}

// AwayLife is how long somebody may take at the provider.
const AwayLife = 15 * time.Minute

// ToProvider begins a sign-in with a provider. back is our address to which it sends the browser; next is where the person goes
// then.
func (s *Service) ToProvider(ctx context.Context, name, back, next string) (Away, error) {
	p, err := s.Provider(ctx, name)
	if err != nil {
		return Away{}, err
	}
	if p.Spec.Disabled {
		return Away{}, mainstay.Errorf(mainstay.NotFound, "Signing in with %s is turned off.", p.Title())
	}
	found, err := s.discover(ctx, p)
	if err != nil {
		return Away{}, s.errProvider(ctx, p, err)
	}
	x := away{
		For: "provider", Provider: name, State: text(16), Nonce: text(16), Verifier: oauth2.GenerateVerifier(), Back: back, Next: clip(next, 1000),
		Until: s.cfg.Time.Now().Add(AwayLife),
	}
	client := oauth2.Config{ClientID: p.Spec.ClientID, Endpoint: found.Endpoint(), RedirectURL: back, Scopes: p.Spec.scopes()}
	cookie, err := s.seal(x)
	return Away{
		URL: client.AuthCodeURL(x.State, oidc.Nonce(x.Nonce), oauth2.S256ChallengeOption(x.Verifier)), Cookie: cookie, State: x.State,
	}, err
}

func text(n int) string { return base64.RawURLEncoding.EncodeToString(random(n)) }

// refusal is why a provider's answer signs nobody in.
type refusal struct {
	code   mainstay.Code
	reason string // for the fact: never more than a class of causes
	says   string // for the person
}

func (r refusal) Error() string { return r.reason }

func refuse(code mainstay.Code, reason, format string, args ...any) error {
	return refusal{code, reason, fmt.Sprintf(format, args...)}
}

// FromProvider ends a sign-in with a provider's answer, the query of the address to which it sent the browser. It begins a session,
// or a second step, and says where the person wanted to go.
func (s *Service) FromProvider(ctx context.Context, c Client, name, cookie string, query url.Values) (signed Signed, next string, err error) {
	p, err := s.Provider(ctx, name)
	if err != nil {
		return signed, "", err
	}
	var x away
	if s.unseal(cookie, &x) != nil || x.For != "provider" || x.Provider != name || !s.cfg.Time.Now().Before(x.Until) ||
		subtle.ConstantTimeCompare([]byte(x.State), []byte(query.Get("state"))) != 1 {
		return signed, "", mainstay.Errorf(mainstay.Unauthenticated, "This sign-in was begun elsewhere, or took too long. Begin again.")
	}
	said, subject, err := s.ask(ctx, p, x, query)
	if err == nil {
		signed, err = s.admitAccount(ctx, c, p, x, said, subject)
	}
	var no refusal
	if errors.As(err, &no) {
		s.cfg.Log.InfoContext(ctx, "sign-in with an identity provider refused", "provider", name, "reason", no.reason)
		if err := s.cfg.Store.In(context.WithoutCancel(ctx), func(ctx context.Context) error {
			return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", self,
				fact.ProviderRefused{Provider: name, Reason: no.reason}, p.Ref())}})
		}); err != nil {
			return signed, x.Next, err
		}
		err = mainstay.Errorf(no.code, "%s", no.says)
	}
	return signed, x.Next, err
}

// ask exchanges the code for what the provider says about the account, and checks all of it.
func (s *Service) ask(ctx context.Context, p Provider, x away, query url.Values) (claims, string, error) {
	if e := query.Get("error"); e != "" {
		says := clip(strings.TrimSpace(query.Get("error_description")), 200)
		if says == "" {
			says = clip(e, 100)
		}
		return nil, "", refuse(mainstay.Denied, "it answered "+clip(e, 60), "%s did not sign you in: %s", p.Title(), says)
	}
	if iss := query.Get("iss"); iss != "" && iss != p.Spec.Issuer { // RFC 9207
		return nil, "", refuse(mainstay.Denied, "the answer is of another issuer", "The answer did not come from %s. Begin again.", p.Title())
	}
	found, err := s.discover(ctx, p)
	if err != nil {
		return nil, "", s.errProvider(ctx, p, err)
	}
	secret, err := s.secretOf(p)
	if err != nil {
		return nil, "", err
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = authStyle(found, secret)
	client := oauth2.Config{ClientID: p.Spec.ClientID, ClientSecret: secret, Endpoint: endpoint, RedirectURL: x.Back}
	ctx = oidc.ClientContext(ctx, s.cfg.HTTP)
	token, err := client.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(x.Verifier))
	if err != nil {
		return nil, "", s.exchangeFailed(ctx, p, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := s.checked(ctx, p, found, x, raw)
	if err != nil {
		return nil, "", err
	}
	said := claims{}
	if err := id.Claims(&said); err != nil {
		return nil, "", fmt.Errorf("reading an ID token of %s: %w", p.Name, err)
	}
	return said, id.Subject, s.more(ctx, p, found, token, id, said)
}

// authStyle is how the client proves itself. It is not tried out, because a code may count for one try only.
func authStyle(found *oidc.Provider, secret string) oauth2.AuthStyle {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&says); err != nil || secret == "" {
		return oauth2.AuthStyleInParams
	}
	if len(says.Methods) == 0 || slices.Contains(says.Methods, "client_secret_basic") { // the default of the specification
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

func (s *Service) exchangeFailed(ctx context.Context, p Provider, err error) error {
	var no *oauth2.RetrieveError
	if !errors.As(err, &no) {
		return s.errProvider(ctx, p, err)
	}
	s.cfg.Log.WarnContext(ctx, "identity provider refused the code", "provider", p.Name, "error", no.ErrorCode, "description", clip(no.ErrorDescription, 200))
	if no.ErrorCode == "invalid_client" || no.ErrorCode == "unauthorized_client" {
		return refuse(mainstay.Unavailable, "it does not know our client or its secret", "%s does not accept this server: its client id or secret is wrong. An administrator must mend that.", p.Title())
	}
	return refuse(mainstay.Denied, "it did not accept the code", "%s did not accept the sign-in. Begin again.", p.Title())
}

// checked verifies an ID token: signature, issuer, time, audience and nonce.
func (s *Service) checked(ctx context.Context, p Provider, found *oidc.Provider, x away, raw string) (*oidc.IDToken, error) {
	distrust := func(reason string) error {
		return refuse(mainstay.Denied, reason, "The answer of %s cannot be trusted: %s.", p.Title(), reason)
	}
	if raw == "" {
		return nil, distrust("it holds no ID token")
	}
	id, err := found.Verifier(&oidc.Config{SkipClientIDCheck: true, Now: s.cfg.Time.Now}).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return nil, distrust("its ID token has run out (are both clocks right?)")
	case err != nil:
		s.cfg.Log.WarnContext(ctx, "ID token refused", "provider", p.Name, "err", err)
		return nil, distrust("its ID token is not signed by a key of the issuer")
	case !slices.Contains(id.Audience, p.Spec.ClientID):
		return nil, distrust("its ID token was issued for another client")
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(x.Nonce)) != 1:
		return nil, distrust("its ID token belongs to another sign-in")
	case id.Subject == "" || len(id.Subject) > 255:
		return nil, distrust("its ID token names no account")
	}
	var azp struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&azp); err == nil && azp.Party != "" && azp.Party != p.Spec.ClientID {
		return nil, distrust("its ID token was issued for another client")
	}
	return id, nil
}

// more asks the userinfo endpoint for what the ID token does not say.
func (s *Service) more(ctx context.Context, p Provider, found *oidc.Provider, token *oauth2.Token, id *oidc.IDToken, said claims) error {
	_, groups := said.groups(p.Spec.groupsClaim())
	if said.text("email") != "" && (groups || len(p.Spec.Groups) == 0) || found.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return s.errProvider(ctx, p, err)
	}
	if info.Subject != id.Subject {
		return refuse(mainstay.Denied, "its userinfo is of another account", "The answer of %s cannot be trusted: it is about two accounts.", p.Title())
	}
	also := map[string]json.RawMessage{}
	if err := info.Claims(&also); err != nil {
		return s.errProvider(ctx, p, err)
	}
	if said.text("email") == "" {
		delete(said, "email_verified") // which spoke of no address
	}
	for name, v := range also {
		if _, ok := said[name]; !ok {
			said[name] = v
		}
	}
	return nil
}

// admitAccount finds, links or makes the person of an account, gives what its groups give, and begins a session or a second step.
func (s *Service) admitAccount(ctx context.Context, c Client, p Provider, x away, said claims, subject string) (signed Signed, err error) {
	now := s.cfg.Time.Now()
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if ok, err := s.cfg.Store.Spend(ctx, "provider:"+digest(x.State), now, x.Until); err != nil || !ok {
			return errors.Join(err, mainstay.Errorf(mainstay.Unauthenticated, "This answer was used before. Begin again."))
		}
		person, err := s.personOf(ctx, p, said, subject)
		if err != nil {
			return err
		}
		groups, _ := said.groups(p.Spec.groupsClaim())
		want, err := s.wanted(ctx, p, groups)
		if err != nil {
			return err
		}
		if err := s.grant(ctx, p, person.ID, want); err != nil {
			return err
		}
		like := Session{Method: "provider " + p.Name, Provider: p.Name}
		if !p.Spec.AskSecondFactor {
			signed, err = s.begin(ctx, c, person, like, func(context.Context) error { return nil })
			return err
		}
		signed, err = s.afterProvider(ctx, c, person, like)
		return err
	})
	return signed, err
}

func (s *Service) afterProvider(ctx context.Context, c Client, person people.Person, like Session) (Signed, error) {
	has, err := s.Factors(ctx, person.ID)
	if err != nil {
		return Signed{}, err
	}
	must, err := s.MustHaveSecond(ctx, person.ID)
	if err != nil {
		return Signed{}, err
	}
	if has.Second() || must {
		return s.secondStep(person, Step{Enrol: !has.Second(), Method: like.Method})
	}
	return s.begin(ctx, c, person, like, func(context.Context) error { return nil })
}

// personOf is the person of an account. An account that is not known is linked to the person with its address, if the provider has
// verified that and its domain may sign in.
func (s *Service) personOf(ctx context.Context, p Provider, said claims, subject string) (people.Person, error) {
	now := s.cfg.Time.Now()
	account, err := s.cfg.Store.AccountBy(ctx, p.Name, subject)
	known := err == nil
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return people.Person{}, err
	}
	email := said.text("email")
	if err := p.Spec.mayEnter(p, said, known); err != nil {
		return people.Person{}, err
	}
	var person people.Person
	if known {
		person, err = s.cfg.People.ByID(ctx, account.Person)
	} else {
		person, err = s.cfg.People.ByEmail(ctx, email)
		if mainstay.Is(err, mainstay.NotFound) {
			if !p.Spec.CreatePersons {
				return person, refuse(mainstay.Denied, "nobody here has the account's address",
					"Nobody here has the address %s. Ask whoever manages people to add you first.", clip(email, 254))
			}
			person, err = s.create(ctx, said)
		}
	}
	switch {
	case err != nil:
		return person, err
	case !person.Active():
		return person, refuse(mainstay.Denied, "the person is deactivated", "Your account here is deactivated. Ask whoever manages people.")
	}
	if !known {
		account = Account{Provider: p.Name, Subject: subject, Person: person.ID, LinkedAt: now}
		if err := s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(now, "", self, fact.AccountLinked{Provider: p.Name}, person.Ref(), p.Ref())}}); err != nil {
			return person, err
		}
	}
	account.UsedAt = now
	return person, s.cfg.Store.SaveAccount(ctx, account)
}

// mayEnter checks the address that a provider gives. Whoever was linked before needs a domain that may sign in, if the provider
// still tells an address.
func (x ProviderSpec) mayEnter(p Provider, said claims, known bool) error {
	email := said.text("email")
	switch {
	case email == "" && known:
		return nil
	case !people.ValidEmail(email):
		return refuse(mainstay.Denied, "the provider tells no address", "%s does not tell your e-mail address, by which you are known here. Does the client have the scope email?", p.Title())
	case !known && !said.yes("email_verified"):
		return refuse(mainstay.Denied, "the account's address is not verified", "%s has not verified your e-mail address. Verify it there, then sign in again.", p.Title())
	case len(x.Domains) > 0 && !slices.ContainsFunc(x.Domains, func(d string) bool {
		return strings.HasSuffix(strings.ToLower(email), "@"+strings.ToLower(d))
	}):
		return refuse(mainstay.Denied, "the domain of the account's address may not sign in", "Addresses such as yours may not sign in with %s.", p.Title())
	}
	return nil
}

// create makes a person of what a provider says.
func (s *Service) create(ctx context.Context, said claims) (people.Person, error) {
	email := said.text("email")
	wish := said.text("preferred_username")
	if wish == "" {
		wish = email
	}
	name, err := s.Handle(ctx, wish)
	if err != nil {
		return people.Person{}, err
	}
	full := said.text("name")
	if full == "" {
		full = strings.TrimSpace(said.text("given_name") + " " + said.text("family_name"))
	}
	if full == "" {
		full, _, _ = strings.Cut(email, "@")
	}
	return s.cfg.People.Create(ctx, self, people.Person{Name: name, FullName: clip(strings.Join(strings.Fields(full), " "), 190), Email: email})
}

// LeaveURL is where a person signs out of a provider, "" when it does not say. back is where the provider sends them then.
func (s *Service) LeaveURL(ctx context.Context, name, back string) string {
	p, err := s.Provider(ctx, name)
	if err != nil {
		return ""
	}
	found, err := s.discover(ctx, p)
	if err != nil {
		return ""
	}
	var says struct {
		End string `json:"end_session_endpoint"`
	}
	u, err := url.Parse("")
	if found.Claims(&says) == nil && says.End != "" {
		u, err = url.Parse(says.End)
	}
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(p.Spec.Issuer, "http://")) {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.Spec.ClientID)
	q.Set("post_logout_redirect_uri", back)
	u.RawQuery = q.Encode()
	return u.String()
}
