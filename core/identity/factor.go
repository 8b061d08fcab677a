package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Authenticator is a person's authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 s).
type Authenticator struct {
	Person  string
	Sealed  string // the shared secret, as the database keeps it
	AddedAt time.Time
	Step    int64 // the newest 30 s of which a code was used: none of these or before counts again
}

// Factors keeps second factors. What is spent stays spent until it has run out anyway.
type Factors interface {
	// Authenticator is the person's; NotFound when there is none.
	Authenticator(ctx context.Context, person string) (Authenticator, error)
	SetAuthenticator(ctx context.Context, a Authenticator) error
	// UseStep reports whether no code of this 30 s or of a later one was used before, and that it is used now.
	UseStep(ctx context.Context, person string, step int64) (bool, error)
	// SetRecoveryCodes keeps the hashes in place of all former ones.
	SetRecoveryCodes(ctx context.Context, person string, hashes []string) error
	// UseRecoveryCode forgets the code with the hash and reports how many are left; false when there is no such code.
	UseRecoveryCode(ctx context.Context, person, hash string) (left int, ok bool, err error)
	// FactorsOf tells what the person has.
	FactorsOf(ctx context.Context, person string) (Having, error)
	EndAuthenticator(ctx context.Context, person string) (bool, error)
	// Spend reports whether the key was not spent before; it is now, until the time.
	Spend(ctx context.Context, key string, now, until time.Time) (bool, error)
}

// Having says by what a person can prove who they are.
type Having struct {
	Password      bool
	PasswordAt    time.Time // when it was set
	Authenticator time.Time // when it was added; zero without one
	Recovery      int       // unused recovery codes
	Passkeys      int
	Accounts      int // at identity providers
}

// Second reports whether there is a second factor: then a password alone does not sign in.
func (h Having) Second() bool { return !h.Authenticator.IsZero() || h.Passkeys > 0 }

// Factors tells what the person has.
func (s *Service) Factors(ctx context.Context, person string) (Having, error) {
	return s.cfg.Store.FactorsOf(ctx, person)
}

const (
	codeEvery  = 30 // seconds
	codeSpread = 1  // codes of one step before and one after now count too: clocks differ
)

var codeOptions = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// stepOf is the 30 s in which the secret gives the code, near now; false when it does in none.
func stepOf(secret, code string, now time.Time) (int64, bool) {
	if len(code) != 6 {
		return 0, false
	}
	at := now.Unix() / codeEvery
	for step := at - codeSpread; step <= at+codeSpread; step++ {
		if ok, err := hotp.ValidateCustom(code, uint64(step), secret, codeOptions); err == nil && ok {
			return step, true
		}
	}
	return 0, false
}

// useApp reports whether the code is one of the person's authenticator that was not used, and uses it up.
func (s *Service) useApp(ctx context.Context, person, code string) (bool, error) {
	a, err := s.cfg.Store.Authenticator(ctx, person)
	if mainstay.Is(err, mainstay.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	secret, err := s.cfg.Vault.Open(a.Sealed)
	if err != nil {
		return false, fmt.Errorf("opening the secret of an authenticator app: %w", err)
	}
	step, ok := stepOf(secret, code, s.cfg.Time.Now())
	if !ok {
		return false, nil
	}
	return s.cfg.Store.UseStep(ctx, person, step)
}

// recoveryHash is how a recovery code is kept. The key outside the database is part of it.
func (s *Service) recoveryHash(person, code string) string {
	m := hmac.New(sha256.New, s.codes)
	m.Write([]byte(person + "\x00" + code))
	return hex.EncodeToString(m.Sum(nil))
}

// Enrolment is an authenticator app that is being set up. State goes back with the first code; it holds the secret, sealed.
type Enrolment struct {
	State  string
	Secret string // to type, in groups of four
	URL    string // otpauth://…
	Path   string // the URL as a QR code: an SVG path of squares
	Size   int    // of the QR code, in squares, with its quiet zone
}

type enrolment struct {
	For    string    `json:"for"`
	Person string    `json:"person"`
	Secret string    `json:"secret"`
	Until  time.Time `json:"until"`
}

const enrolLife = 30 * time.Minute

// Enrol begins to set up an authenticator app. With the state of an enrolment that was begun, it shows the same again.
func (s *Service) Enrol(p people.Person, host, state string) (Enrolment, error) {
	var e enrolment
	if state == "" || s.unseal(state, &e) != nil || e.For != "enrol" || e.Person != p.ID || !s.cfg.Time.Now().Before(e.Until) {
		e = enrolment{For: "enrol", Person: p.ID, Secret: base32Secret(), Until: s.cfg.Time.Now().Add(enrolLife)}
		var err error
		if state, err = s.seal(e); err != nil {
			return Enrolment{}, err
		}
	}
	label := p.Email
	if label == "" {
		label = p.Name
	}
	issuer := "Mainstay"
	if host != "" {
		issuer += " " + strings.ReplaceAll(host, ":", " ")
	}
	out := Enrolment{State: state, Secret: inFours(e.Secret)}
	out.URL = "otpauth://totp/" + url.PathEscape(issuer+":"+label) + "?" + strings.ReplaceAll(url.Values{
		"secret": {e.Secret}, "issuer": {issuer}, // the rest is as every app has it by default
	}.Encode(), "+", "%20")
	var err error
	out.Path, out.Size, err = qrPath(out.URL)
	return out, err
}

// base32Secret is a secret of 160 bits, as RFC 4226 recommends.
func base32Secret() string { return otpBase32.EncodeToString(random(20)) }

func inFours(s string) string {
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), " ")
}

// quiet is the white margin that a QR code needs.
const quiet = 4

// qrPath draws text as a QR code: one square of the path for each dark one.
func qrPath(text string) (path string, size int, err error) {
	code, err := qr.Encode(text, qr.L, qr.Auto)
	if err != nil {
		return "", 0, fmt.Errorf("drawing a QR code: %w", err)
	}
	n := code.Bounds().Dx()
	var b strings.Builder
	for y := range n {
		for x := 0; x < n; x++ {
			run := 0
			for ; x+run < n && dark(code.At(x+run, y)); run++ {
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return b.String(), n + 2*quiet, nil
}

func dark(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}

// Confirm ends an enrolment with the first code. The codes that it returns are recovery codes, made with the first second factor
// and told only now.
func (s *Service) Confirm(ctx context.Context, actor mainstay.Actor, person, state, code string) (recovery []string, err error) {
	var e enrolment
	if s.unseal(state, &e) != nil || e.For != "enrol" || e.Person != person || !s.cfg.Time.Now().Before(e.Until) {
		return nil, mainstay.Errorf(mainstay.Gone, "This took too long. Begin again with a new QR code.")
	}
	now := s.cfg.Time.Now()
	step, ok := stepOf(e.Secret, strings.ReplaceAll(strings.TrimSpace(code), " ", ""), now)
	if !ok {
		return nil, mainstay.Faults{"code": "This is not the code that the app shows now. Check that the clock of your device is right."}.Err()
	}
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return nil, err
	}
	sealed, err := s.cfg.Vault.Seal(e.Secret)
	if err != nil {
		return nil, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		has, err := s.Factors(ctx, person)
		if err != nil {
			return err
		}
		if !has.Authenticator.IsZero() {
			return mainstay.Errorf(mainstay.Conflict, "There is an authenticator app already. Remove it first.")
		}
		if err := s.cfg.Store.SetAuthenticator(ctx, Authenticator{Person: person, Sealed: sealed, AddedAt: now, Step: step}); err != nil {
			return err
		}
		recovery, err = s.added(ctx, actor, p, has, fact.FactorAdded{Factor: "authenticator"}, "An authenticator app")
		return err
	})
	return recovery, err
}

// added writes down that a person has another factor, and makes recovery codes with the first. It runs within a transaction.
func (s *Service) added(ctx context.Context, actor mainstay.Actor, p people.Person, before Having, what fact.FactorAdded, words string) (recovery []string, err error) {
	now := s.cfg.Time.Now()
	set := commit.Set{Facts: []fact.Fact{fact.New(now, "", actor, what, p.Ref())}}
	if !before.Second() && before.Recovery == 0 {
		if recovery, err = s.newRecovery(ctx, p.ID); err != nil {
			return nil, err
		}
		set.Facts = append(set.Facts, fact.New(now, "", actor, fact.FactorAdded{Factor: "recovery codes"}, p.Ref()))
	}
	set.Notices = s.tell(now, p, words+" was added to your account",
		words+" can now be used to sign in to your Mainstay account. If it was not you who added it, change your password and remove it at once.")
	return recovery, s.cfg.Store.Save(ctx, set)
}

// Proof is what somebody who is signed in proves anew before a change of how they sign in: the password, or a code.
type Proof struct {
	Person  string
	Session string
	Text    string // the password, a code of the authenticator app, or a recovery code
}

// freshFor is how long after signing in no other proof is asked of somebody who has neither a password nor an app.
const freshFor = 10 * time.Minute

// prove reports whether the proof is good, and uses a code up. Failures count, and lock.
func (s *Service) prove(ctx context.Context, proof Proof) error {
	p, err := s.cfg.People.ByID(ctx, proof.Person)
	if err != nil {
		return err
	}
	has, err := s.Factors(ctx, p.ID)
	if err != nil {
		return err
	}
	if !has.Password && has.Authenticator.IsZero() {
		return s.fresh(ctx, proof)
	}
	keys := []string{factorKey(p.ID)}
	if err := s.unlocked(ctx, keys); err != nil {
		return err
	}
	ok, how := false, "password"
	if len(proof.Text) <= 1024 && proof.Text != "" {
		if ok, how, err = s.isProof(ctx, p, proof.Text); err != nil {
			return err
		}
	}
	if ok {
		return nil
	}
	if err := s.failed(ctx, keys, p, fact.FactorRefused{Factor: how, Reason: "a proof before a change was wrong"}); err != nil {
		return err
	}
	return mainstay.Faults{"proof": "This is neither your password nor a code that counts now."}.Err()
}

func (s *Service) isProof(ctx context.Context, p people.Person, text string) (ok bool, how string, err error) {
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		ok, how, err = s.useCode(ctx, p, text)
		return err
	})
	if err != nil || ok {
		return ok, how, err
	}
	hash, err := s.cfg.Store.Password(ctx, p.ID)
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return false, "password", err
	}
	err = s.hasher.inTurn(ctx, func() error {
		ok, _, err = s.hasher.verify(text, hash)
		return err
	})
	return ok, "password", err
}

// fresh is the proof of somebody who has nothing to type: a sign-in a moment ago.
func (s *Service) fresh(ctx context.Context, proof Proof) error {
	list, err := s.cfg.Store.SessionsOf(ctx, proof.Person)
	if err != nil {
		return err
	}
	for _, x := range list {
		if x.ID == proof.Session && s.cfg.Time.Now().Sub(x.CreatedAt) < freshFor {
			return nil
		}
	}
	return mainstay.Faults{"proof": "You signed in a while ago. Sign out and in again, then do this within ten minutes."}.Err()
}

// Disable removes the authenticator app after a proof. Without any other second factor the recovery codes go with it.
func (s *Service) Disable(ctx context.Context, proof Proof) error {
	if err := s.prove(ctx, proof); err != nil {
		return err
	}
	p, err := s.cfg.People.ByID(ctx, proof.Person)
	if err != nil {
		return err
	}
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if had, err := s.cfg.Store.EndAuthenticator(ctx, p.ID); err != nil || !had {
			return err
		}
		return s.removed(ctx, p, fact.FactorRemoved{Factor: "authenticator"}, "The authenticator app")
	})
}

// removed writes down that a person has a factor less, and takes the recovery codes of the last. It runs within a transaction.
func (s *Service) removed(ctx context.Context, p people.Person, what fact.FactorRemoved, words string) error {
	now := s.cfg.Time.Now()
	has, err := s.Factors(ctx, p.ID)
	if err != nil {
		return err
	}
	if !has.Second() {
		must, err := s.MustHaveSecond(ctx, p.ID)
		if err != nil {
			return err
		}
		if must {
			return mainstay.Errorf(mainstay.Conflict, "One of your roles needs a second factor, and this is your last. Set up another one first.")
		}
		if err := s.cfg.Store.SetRecoveryCodes(ctx, p.ID, nil); err != nil {
			return err
		}
	}
	return s.cfg.Store.Save(ctx, commit.Set{
		Facts: []fact.Fact{fact.New(now, "", mainstay.Person(p.ID), what, p.Ref())},
		Notices: s.tell(now, p, words+" was removed from your account",
			words+" no longer signs in to your Mainstay account. If it was not you who removed it, change your password at once."),
	})
}

// NewRecoveryCodes makes new recovery codes after a proof; the former ones count no more.
func (s *Service) NewRecoveryCodes(ctx context.Context, proof Proof) (codes []string, err error) {
	has, err := s.Factors(ctx, proof.Person)
	if err != nil {
		return nil, err
	}
	if !has.Second() {
		return nil, mainstay.Errorf(mainstay.Conflict, "Recovery codes stand in for a second factor, and there is none. Set up one first.")
	}
	if err := s.prove(ctx, proof); err != nil {
		return nil, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		if codes, err = s.newRecovery(ctx, proof.Person); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{Facts: []fact.Fact{fact.New(s.cfg.Time.Now(), "", mainstay.Person(proof.Person),
			fact.FactorAdded{Factor: "recovery codes"}, mainstay.Ref{Kind: mainstay.KindPerson, ID: proof.Person})}})
	})
	return codes, err
}

// ResetFactors takes every second factor of a person who lost them: the authenticator app, the passkeys, the recovery codes. All
// their sessions end, and they are told. The actor must be allowed to manage people.
func (s *Service) ResetFactors(ctx context.Context, actor mainstay.Actor, person string) error {
	p, err := s.cfg.People.ByID(ctx, person)
	if err != nil {
		return err
	}
	now := s.cfg.Time.Now()
	return s.cfg.Store.In(ctx, func(ctx context.Context) error {
		has, err := s.Factors(ctx, person)
		if err != nil {
			return err
		}
		if !has.Second() && has.Recovery == 0 {
			return mainstay.Errorf(mainstay.Conflict, "%s has no second factor.", p.FullName)
		}
		_, err = s.cfg.Store.EndAuthenticator(ctx, person)
		err = errors.Join(err, s.cfg.Store.SetRecoveryCodes(ctx, person, nil), s.cfg.Store.EndPasskeys(ctx, person),
			s.cfg.Store.ForgetAttempt(ctx, factorKey(person)))
		if err != nil {
			return err
		}
		if err := s.end(ctx, actor, person, "", ""); err != nil {
			return err
		}
		return s.cfg.Store.Save(ctx, commit.Set{
			Facts: []fact.Fact{fact.New(now, "", actor, fact.FactorsReset{Passkeys: has.Passkeys}, p.Ref())},
			Notices: s.tell(now, p, "Your second factor was reset", "Somebody who manages people removed the authenticator app, the passkeys and the "+
				"recovery codes of your Mainstay account, and ended its sessions. If you did not ask for it, tell them at once."),
		})
	})
}
