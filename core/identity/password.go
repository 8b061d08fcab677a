package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/mainstayhq/mainstay"
)

// CheckPassword says what is wrong with a password that somebody wants to use; nil when nothing is. own are the words that it
// must not be, such as the person's address.
func CheckPassword(password string, own ...string) error {
	var f mainstay.Faults
	low := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		f.Add("password", "It holds bytes that are not text.")
	case utf8.RuneCountInString(password) < 10:
		f.Add("password", "Use at least 10 characters. A few words in a row are easy to remember.")
	case len(password) > 1024:
		f.Add("password", "Use at most 1024 bytes.")
	case common[low] || distinct(low) < 4:
		f.Add("password", "This is one of the first that somebody would guess. Use another.")
	}
	for _, word := range own {
		if word != "" && (low == strings.ToLower(word) || low == strings.ToLower(word)+strings.ToLower(word)) {
			f.Add("password", "Do not use your own name or address.")
		}
	}
	return f.Err()
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

//go:embed common.txt
var commonText string

// common are the passwords that everybody tries first, of those that are long enough.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(commonText) {
		m[w] = true
	}
	return m
}()

// params are the cost of an argon2id hash. They are kept in each hash, so that they can be raised later.
type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// today's are OWASP's recommendation for argon2id.
var todays = params{memory: 19 * 1024, time: 2, threads: 1}

const (
	saltBytes = 16
	keyBytes  = 32
)

// encoded is a hash in the usual text form, $argon2id$v=19$m=19456,t=2,p=1$salt$key.
type encoded struct {
	params
	salt, key []byte
}

func (e encoded) String() string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, e.memory, e.time, e.threads,
		b.EncodeToString(e.salt), b.EncodeToString(e.key))
}

// decode reads the text form. Costs beyond all reason are refused: a faulty row must not take the memory.
func decode(s string) (encoded, error) {
	var e encoded
	bad := errors.New("identity: a kept password hash cannot be read")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return e, bad
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &e.memory, &e.time, &e.threads)
	if err != nil || n != 3 || e.memory < 8 || e.memory > 256*1024 || e.time < 1 || e.time > 16 || e.threads < 1 || e.threads > 8 {
		return e, bad
	}
	if e.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(e.salt) < 8 || len(e.salt) > 64 {
		return e, bad
	}
	if e.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(e.key) < 16 || len(e.key) > 64 {
		return e, bad
	}
	return e, nil
}

// hasher computes argon2id hashes, few at a time: each takes 19 MiB and tens of milliseconds.
type hasher struct {
	turn    chan struct{}
	waiting atomic.Int64
	running atomic.Int64
	most    atomic.Int64 // the most that ever ran at once
}

func newHasher(n int) *hasher { return &hasher{turn: make(chan struct{}, n)} }

// mostWaiting bounds the queue: beyond it, a client is told to come back.
const mostWaiting = 200

// inTurn runs f when it is its turn.
func (h *hasher) inTurn(ctx context.Context, f func() error) error {
	if h.waiting.Add(1) > mostWaiting {
		h.waiting.Add(-1)
		return mainstay.Errorf(mainstay.Unavailable, "Too many people sign in at this moment. Try again in a few seconds.")
	}
	defer h.waiting.Add(-1)
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
		return f()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// key computes; call it within inTurn only.
func (h *hasher) key(password string, salt []byte, p params, n int) []byte {
	now := h.running.Add(1)
	defer h.running.Add(-1)
	for most := h.most.Load(); now > most && !h.most.CompareAndSwap(most, now); most = h.most.Load() {
	}
	return argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, uint32(n))
}

// hash makes the encoded hash of a new password; call it within inTurn only.
func (h *hasher) hash(password string) string {
	salt := random(saltBytes)
	return encoded{todays, salt, h.key(password, salt, todays, keyBytes)}.String()
}

// verify reports whether the password is the one of the kept hash, and whether the hash should be made anew because today's
// cost is another. It takes as long without a kept hash ("").
func (h *hasher) verify(password, kept string) (ok, stale bool, err error) {
	if kept == "" {
		var salt [saltBytes]byte
		h.key(password, salt[:], todays, keyBytes)
		return false, false, nil
	}
	e, err := decode(kept)
	if err != nil {
		return false, false, err
	}
	key := h.key(password, e.salt, e.params, len(e.key))
	return subtle.ConstantTimeCompare(key, e.key) == 1, e.params != todays, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the operating system has no randomness: nothing can go on safely
	}
	return b
}

// Hashing is how many passwords are hashed at this moment, and the most that ever were at one moment.
func (s *Service) Hashing() (now, most int) {
	return int(s.hasher.running.Load()), int(s.hasher.most.Load())
}
