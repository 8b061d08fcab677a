package identity

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/fact"
)

// Step is a sign-in whose first factor was right and whose second is still to come. It is kept by the browser alone, sealed, and
// runs out: the server remembers nothing of it.
type Step struct {
	For     string    `json:"for"`
	Person  string    `json:"person"`
	Enrol   bool      `json:"enrol,omitempty"`   // a second factor must be set up first
	Method  string    `json:"method"`            // the first factor: "password", or "provider NAME"
	Checked string    `json:"checked,omitempty"` // digest of the password's hash that was checked
	Until   time.Time `json:"until"`
}

// StepLife is how long somebody may take between the first factor and the second.
const StepLife = 10 * time.Minute

func errStepGone() error {
	return mainstay.Errorf(mainstay.Unauthenticated, "This sign-in took too long, or was begun elsewhere. Begin again.")
}

// seal makes of a value what the browser may keep without reading or changing it. The value must say what it is for.
func (s *Service) seal(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return s.cfg.Vault.Seal(string(b))
}

func (s *Service) unseal(sealed string, v any) error {
	if len(sealed) > 8192 {
		return errStepGone()
	}
	plain, err := s.cfg.Vault.Open(sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(plain), v)
}

func (s *Service) secondStep(p people.Person, step Step) (Signed, error) {
	step.For, step.Person, step.Until = "step", p.ID, s.cfg.Time.Now().Add(StepLife)
	sealed, err := s.seal(step)
	return Signed{Person: p, Step: sealed}, err
}

// Step opens what SignIn gave. It is Unauthenticated when it has run out or the account is no more.
func (s *Service) Step(ctx context.Context, sealed string) (Step, people.Person, error) {
	var step Step
	if sealed == "" || s.unseal(sealed, &step) != nil || step.For != "step" || !s.cfg.Time.Now().Before(step.Until) {
		return Step{}, people.Person{}, errStepGone()
	}
	p, err := s.cfg.People.ByID(ctx, step.Person)
	if mainstay.Is(err, mainstay.NotFound) || err == nil && !p.Active() {
		err = errStepGone()
	}
	return step, p, err
}

// still is a check within the transaction that begins a session: the first factor counts as before.
func (s *Service) still(step Step) func(ctx context.Context) error {
	if step.Checked == "" {
		return func(context.Context) error { return nil }
	}
	return s.passwordStill(step.Person, step.Checked)
}

// Second ends a sign-in with a code of the authenticator app, or with a recovery code. It is Unauthenticated when the code is
// wrong or was used, and TooMany while too many were.
func (s *Service) Second(ctx context.Context, c Client, sealed, code string) (Signed, error) {
	step, p, err := s.Step(ctx, sealed)
	if err != nil {
		return Signed{}, err
	}
	if step.Enrol {
		return Signed{}, mainstay.Errorf(mainstay.Denied, "Set up a second factor first.")
	}
	keys := []string{factorKey(p.ID)}
	if err := s.unlocked(ctx, keys); err != nil {
		return Signed{}, err
	}
	var signed Signed
	var how string
	signed, err = s.begin(ctx, c, p, Session{Method: step.Method + " and code", Provider: step.provider()}, func(ctx context.Context) error {
		if err := s.still(step)(ctx); err != nil {
			return err
		}
		var ok bool
		if ok, how, err = s.useCode(ctx, p, code); err == nil && !ok {
			err = errCode()
		}
		return err
	})
	if mainstay.Is(err, mainstay.Unauthenticated) && how != "" {
		if err := s.failed(ctx, keys, p, fact.FactorRefused{Factor: how, AddressDigest: c.digest(), Reason: "the code is wrong or was used"}); err != nil {
			return Signed{}, err
		}
	}
	return signed, err
}

// EnrolAuthenticator ends a sign-in of somebody who had to set up a second factor first: it confirms the app with its first code
// and begins the session. The codes that it returns are recovery codes, told only now.
func (s *Service) EnrolAuthenticator(ctx context.Context, c Client, sealed, state, code string) (signed Signed, recovery []string, err error) {
	return s.enrol(ctx, c, sealed, func(ctx context.Context, p people.Person) ([]string, error) {
		return s.Confirm(ctx, mainstay.Person(p.ID), p.ID, state, code)
	})
}

// EnrolPasskey is the same with a passkey.
func (s *Service) EnrolPasskey(ctx context.Context, c Client, sealed, state, answer, name string) (signed Signed, recovery []string, err error) {
	return s.enrol(ctx, c, sealed, func(ctx context.Context, p people.Person) ([]string, error) {
		_, recovery, err := s.Register(ctx, mainstay.Person(p.ID), p.ID, state, answer, name)
		return recovery, err
	})
}

func (s *Service) enrol(ctx context.Context, c Client, sealed string, set func(context.Context, people.Person) ([]string, error)) (signed Signed, recovery []string, err error) {
	step, p, err := s.Step(ctx, sealed)
	if err != nil {
		return signed, nil, err
	}
	err = s.cfg.Store.In(ctx, func(ctx context.Context) error {
		has, err := s.Factors(ctx, p.ID)
		if err != nil {
			return err
		}
		if !step.Enrol || has.Second() { // set up meanwhile, elsewhere: then that is what is asked for
			return errStepGone()
		}
		if recovery, err = set(ctx, p); err != nil {
			return err
		}
		signed, err = s.begin(ctx, c, p, Session{Method: step.Method + " and a new second factor", Provider: step.provider()}, s.still(step))
		return err
	})
	return signed, recovery, err
}

func (step Step) provider() string {
	name, _ := strings.CutPrefix(step.Method, "provider ")
	if name == step.Method {
		return ""
	}
	return name
}

func errCode() error {
	return mainstay.Errorf(mainstay.Unauthenticated, "The code is wrong, has run out, or was used. Wait for the next one.")
}

// useCode uses a code up, within a transaction, and says of which kind it is.
func (s *Service) useCode(ctx context.Context, p people.Person, code string) (ok bool, how string, err error) {
	code = strings.ToUpper(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -\t\u00a0", r) {
			return -1
		}
		return r
	}, code))
	if len(code) == recoveryLength {
		ok, err = s.useRecovery(ctx, p, code)
		return ok, "recovery codes", err
	}
	ok, err = s.useApp(ctx, p.ID, code)
	return ok, "authenticator", err
}

// Recovery codes: ten of 16 characters (80 bits), shown in fours.
const (
	recoveryCodes  = 10
	recoveryLength = 16
)

// otpBase32 is how authenticator apps expect a secret.
var otpBase32 = base32.StdEncoding.WithPadding(base32.NoPadding)

var recoveryAlphabet = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// newRecovery makes new codes for the person in place of all former ones, within a transaction.
func (s *Service) newRecovery(ctx context.Context, person string) ([]string, error) {
	var codes, hashes []string
	for range recoveryCodes {
		code := recoveryAlphabet.EncodeToString(random(recoveryLength * 5 / 8))
		hashes = append(hashes, s.recoveryHash(person, code))
		codes = append(codes, fmt.Sprintf("%s-%s-%s-%s", code[:4], code[4:8], code[8:12], code[12:]))
	}
	return codes, s.cfg.Store.SetRecoveryCodes(ctx, person, hashes)
}

func (s *Service) useRecovery(ctx context.Context, p people.Person, code string) (bool, error) {
	left, ok, err := s.cfg.Store.UseRecoveryCode(ctx, p.ID, s.recoveryHash(p.ID, code))
	if err != nil || !ok {
		return false, err
	}
	now := s.cfg.Time.Now()
	set := commit.Set{Facts: []fact.Fact{fact.New(now, "", mainstay.Person(p.ID), fact.RecoveryCodeUsed{Left: left}, p.Ref())}}
	set.Notices = s.tell(now, p, "A recovery code was used", fmt.Sprintf(
		"Somebody, most likely you, signed in to Mainstay with one of your recovery codes; %d are left. "+
			"If it was not you, change your password and make new codes at once.", left))
	return true, s.cfg.Store.Save(ctx, set)
}
