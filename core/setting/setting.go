// Package setting owns typed settings per project, and the secrets of the installation: what is sealed with the key outside the
// database, and what is signed with it. It never logs a value.
package setting

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/fact"
)

// Vault seals secrets for the database and signs links, with keys derived from one secret key that is kept outside of it.
type Vault struct {
	sealing   []byte
	signing   []byte
	opening   [][]byte          // sealing keys of before
	verifying [][]byte          // signing keys of before
	derived   map[string][]byte // what Derive gives for some purposes
}

// LoadKey reads the secret key file, or makes it with mode 0600 when it is absent. The file is a KeyFile.
func LoadKey(path string) (*Vault, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the secret key: %w", err)
	}
	k, err := ParseKeyFile(string(text))
	if err != nil {
		return nil, badKeyFile(path)
	}
	return k.Vault(), nil
}

// makeKey makes the file appear whole: neither a crash nor another process that begins at the same moment meets half of it.
func makeKey(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	text := []byte(hex.EncodeToString(key) + "\n")
	f, err := os.CreateTemp(dir, ".secret-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return os.ReadFile(path)
	}
	if err != nil { // a file system without links
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, err
	}
	return text, syncDir(dir)
}

// syncDir makes the names in a folder outlast the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// NewVault derives a vault from a key of 32 bytes.
func NewVault(key []byte) *Vault {
	derive := func(purpose string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("mainstay/v1/" + purpose))
		return m.Sum(nil)
	}
	return &Vault{sealing: derive("seal"), signing: derive("sign")}
}

// Derive is a key of 32 bytes for one purpose, such as "status-snapshot"; the same key file always gives the same one.
func (v *Vault) Derive(purpose string) []byte {
	if key := v.derived[purpose]; key != nil {
		return key
	}
	return derive(v.signing, purpose)
}

func derive(signing []byte, purpose string) []byte {
	m := hmac.New(sha256.New, signing)
	m.Write([]byte("derive/" + purpose))
	return m.Sum(nil)
}

// Prints tell whether two secret keys are the same and say nothing about them: of the key, and of those before whose secrets it opens.
func (v *Vault) Prints() (list []string) {
	for n, signing := range append([][]byte{v.signing}, v.verifying...) {
		if n > len(v.opening) {
			break
		}
		list = append(list, hex.EncodeToString(derive(signing, "backup-key-print")[:8]))
	}
	return list
}

// Seal encrypts a secret for the database (XChaCha20-Poly1305, random nonce).
func (v *Vault) Seal(secret string) (string, error) {
	aead, err := chacha20poly1305.NewX(v.sealing)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(secret)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return "v1:" + base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(secret), nil)), nil
}

// Open is the inverse of Seal. It fails when the key is another one or the text was altered.
func (v *Vault) Open(sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, "v1:")
	b, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil || len(b) < chacha20poly1305.NonceSizeX {
		return "", errors.New("a sealed secret is malformed")
	}
	for _, key := range append([][]byte{v.sealing}, v.opening...) {
		aead, err := chacha20poly1305.NewX(key)
		if err != nil {
			return "", err
		}
		if plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], nil); err == nil {
			return string(plain), nil
		}
	}
	return "", mainstay.Errorf(mainstay.Unavailable, "a secret cannot be opened: the secret key file is not the one it was sealed with")
}

// Sign makes a token that carries text in clear, bound to a purpose and valid until the given time.
func (v *Vault) Sign(purpose, text string, until time.Time) string {
	body := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d\x00%s", until.Unix(), text))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac(v.signing, purpose, body))
}

// Verify returns the text of a token that Sign made for the purpose, unless it was altered (Denied) or has ended (Gone).
func (v *Vault) Verify(purpose, token string, now time.Time) (string, error) {
	body, signature, _ := strings.Cut(token, ".")
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !v.signed(purpose, body, given) {
		return "", mainstay.Errorf(mainstay.Denied, "This link is not one of ours, or it was cut off. Copy it whole from the message.")
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	var until int64
	ends, rest, ok := strings.Cut(string(text), "\x00")
	if _, scanErr := fmt.Sscan(ends, &until); err != nil || !ok || scanErr != nil {
		return "", mainstay.Errorf(mainstay.Denied, "This link is malformed.")
	}
	if now.Unix() > until {
		return "", mainstay.Errorf(mainstay.Gone, "This link has ended. Sign in instead.")
	}
	return rest, nil
}

func (v *Vault) signed(purpose, body string, given []byte) bool {
	for _, key := range append([][]byte{v.signing}, v.verifying...) {
		if hmac.Equal(given, mac(key, purpose, body)) {
			return true
		}
	}
	return false
}

func mac(key []byte, purpose, body string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write([]byte(body))
	return m.Sum(nil)
}

// Store is what the Service needs of the database. Values are JSON.
type Store interface {
	Value(ctx context.Context, project, name string) (string, error) // NotFound when it was never set
	Put(ctx context.Context, project, name, value string, set commit.Set) error
}

// Service reads and changes settings. project is a project's id, or mainstay.Installation.
type Service struct {
	store Store
	time  mainstay.Timekeeper
}

// New makes a Service.
func New(store Store, time mainstay.Timekeeper) *Service { return &Service{store, time} }

// Setting is one typed setting with its default.
type Setting[T any] struct {
	Name    string
	Default T
	Check   func(T) error // may be nil
}

// Read returns the project's value, else the installation's, else the default.
func Read[T any](ctx context.Context, s *Service, project string, d Setting[T]) (T, error) {
	for _, p := range []string{project, mainstay.Installation} {
		text, err := s.store.Value(ctx, p, d.Name)
		if mainstay.Is(err, mainstay.NotFound) {
			continue
		}
		v := d.Default
		if err == nil {
			err = json.Unmarshal([]byte(text), &v)
		}
		return v, err
	}
	return d.Default, nil
}

// Write sets the project's value and appends a fact that names the setting, never the value.
func Write[T any](ctx context.Context, s *Service, actor mainstay.Actor, project string, d Setting[T], v T) error {
	if d.Check != nil {
		if err := d.Check(v); err != nil {
			return err
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	now := s.time.Now()
	return s.store.Put(ctx, project, d.Name, string(text), commit.Set{
		Facts: []fact.Fact{fact.New(now, project, actor, fact.SettingChanged{Name: d.Name})},
	})
}
