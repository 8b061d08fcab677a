package statuspage

import (
	"crypto/ed25519"
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

	"github.com/mainstayhq/mainstay"
)

// The folder: current.json names a generation and signs it; the generation's folder holds every file and the list of their
// hashes; www points at it, for a web server that shows the folder as it is. A generation is complete before current.json
// names it, so a server that is killed at any moment leaves a good folder.

// current is the signed head of the folder.
type current struct {
	Generation string    `json:"generation"`
	AsOf       time.Time `json:"as_of"`    // when the generation was last known to be current
	Manifest   string    `json:"manifest"` // SHA-256 of the generation's manifest.json
	Key        string    `json:"key"`      // the public key, base64
	Signature  string    `json:"signature"`
}

func (c current) signed() []byte {
	return []byte("mainstay status snapshot\n" + c.Generation + "\n" + c.AsOf.UTC().Format(time.RFC3339Nano) + "\n" + c.Manifest + "\n")
}

// listed is one file in the manifest.
type listed struct {
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
}

const (
	headName     = "current.json"
	manifestName = "manifest.json"
	publicName   = "status.pub"
)

// Key reads the signing key of snapshots from a file, and makes it (0600) when there is none.
func Key(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		seed := make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, fmt.Errorf("making the status page's key: %w", err)
		}
		err := os.WriteFile(path+".new", []byte(hex.EncodeToString(seed)+"\n"), 0o600)
		if err == nil {
			err = os.Rename(path+".new", path) // it appears whole: half a key would keep every later start from working
		}
		if err != nil {
			return nil, fmt.Errorf("keeping the status page's key: %w", err)
		}
		return ed25519.NewKeyFromSeed(seed), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status page's key: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, mainstay.Errorf(mainstay.Invalid, "%s is not a key of the status page: move it away and a new one is made", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// writer writes generations into a folder.
type writer struct {
	dir  string
	key  ed25519.PrivateKey
	last current
	held Files // of the last generation
}

// write brings the folder up to date: a new generation when a file differs, else only the time.
func (w *writer) write(files Files, asOf time.Time) error {
	if w.held == nil || !same(w.held, files) {
		if err := w.generation(files, asOf); err != nil {
			return err
		}
	}
	w.last.AsOf = asOf
	w.last.Key = base64.StdEncoding.EncodeToString(w.key.Public().(ed25519.PublicKey))
	w.last.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(w.key, w.last.signed()))
	body, err := json.MarshalIndent(w.last, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(w.dir, headName), append(body, '\n')); err != nil {
		return err
	}
	return w.tidy()
}

func same(a, b Files) bool {
	if len(a) != len(b) {
		return false
	}
	for name, f := range a {
		if o := b[name]; o == nil || o.Sum != f.Sum {
			return false
		}
	}
	return true
}

func (w *writer) generation(files Files, asOf time.Time) error {
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return err
	}
	name := "g" + asOf.UTC().Format("20060102T150405.000000") + "-" + mainstay.NewID(asOf)[24:]
	dir := filepath.Join(w.dir, name)
	manifest := map[string]listed{}
	for _, file := range files.names() {
		f := files[file]
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Body, 0o644); err != nil {
			return err
		}
		sum := sha256.Sum256(f.Body)
		manifest[file] = listed{hex.EncodeToString(sum[:]), len(f.Body)}
	}
	body, err := json.Marshal(manifest)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, manifestName), body, 0o644); err != nil {
		return err
	}
	public := w.key.Public().(ed25519.PublicKey)
	if err := replace(filepath.Join(w.dir, publicName), []byte(base64.StdEncoding.EncodeToString(public)+"\n")); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	w.last = current{Generation: name, Manifest: hex.EncodeToString(sum[:])}
	w.held = files
	return nil
}

// tidy points www at the current generation and removes the others: what was taken off the page must not stay in the folder.
func (w *writer) tidy() error {
	link := filepath.Join(w.dir, "www")
	if to, err := os.Readlink(link); err != nil || to != w.last.Generation {
		next := link + ".new"
		_ = os.Remove(next) // left by a crash
		if os.Symlink(w.last.Generation, next) == nil {
			_ = os.Rename(next, link) // a file system without links has no www
		}
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), "g2") && e.Name() != w.last.Generation {
			if err := os.RemoveAll(filepath.Join(w.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace writes a file so that a reader sees the old one or the new one, whole.
func replace(path string, body []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, body, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// Limits of a folder that is read: it may come from anywhere.
const (
	maxFiles = 20_000
	maxFile  = 16 << 20
)

// readHead reads and checks the head of a folder. pinned, when set, is the only key that may have signed it.
func readHead(dir string, pinned ed25519.PublicKey) (current, ed25519.PublicKey, error) {
	var c current
	body, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		return c, nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	if len(body) > 1<<16 || json.Unmarshal(body, &c) != nil {
		return c, nil, mainstay.Errorf(mainstay.Invalid, "%s is damaged", headName)
	}
	key, err := ParseKey(c.Key)
	if err == nil && len(key) == 0 {
		err = mainstay.Errorf(mainstay.Denied, "the snapshot is not signed")
	}
	if err != nil {
		return c, nil, err
	}
	if pinned != nil && !pinned.Equal(key) {
		return c, nil, mainstay.Errorf(mainstay.Denied, "the snapshot is signed by another key than before")
	}
	signature, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil || !ed25519.Verify(key, c.signed(), signature) {
		return c, nil, mainstay.Errorf(mainstay.Denied, "the signature of the snapshot is wrong")
	}
	if !strings.HasPrefix(c.Generation, "g2") || !filepath.IsLocal(c.Generation) || strings.ContainsAny(c.Generation, `/\`) {
		return c, nil, mainstay.Errorf(mainstay.Denied, "the snapshot names no generation")
	}
	return c, key, nil
}

// ParseKey reads a public key as the folder and the log show it (base64), or in hex. No text is no key: whoever serves with it
// trusts the first one seen.
func ParseKey(s string) (key ed25519.PublicKey, err error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return key, nil
	}
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, hex.DecodeString} {
		if b, err := decode(s); err == nil && len(b) == ed25519.PublicKeySize {
			return b, nil
		}
	}
	return nil, mainstay.Errorf(mainstay.Invalid, "that is no public key of a status page: it has 44 characters of base64, as in status.pub")
}

// readGeneration reads every file of the generation and checks each hash.
func readGeneration(dir string, c current, old Files) (Files, error) {
	root, err := os.OpenRoot(filepath.Join(dir, c.Generation)) // no name leads out of the folder
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	defer root.Close() //nolint:errcheck // only read
	body, err := root.ReadFile(manifestName)
	if err != nil {
		return nil, fmt.Errorf("reading the snapshot: %w", err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != c.Manifest {
		return nil, mainstay.Errorf(mainstay.Denied, "the snapshot's list of files was altered")
	}
	var manifest map[string]listed
	if err := json.Unmarshal(body, &manifest); err != nil {
		return nil, fmt.Errorf("reading the snapshot's list of files: %w", err)
	}
	if len(manifest) > maxFiles {
		return nil, mainstay.Errorf(mainstay.TooLarge, "the snapshot has more than %d files", maxFiles)
	}
	files := Files{}
	for name, l := range manifest {
		if l.Size > maxFile {
			return nil, mainstay.Errorf(mainstay.TooLarge, "%s in the snapshot is too large", name)
		}
		body, err := root.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return nil, fmt.Errorf("reading the snapshot: %w", err)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != l.SHA256 {
			return nil, mainstay.Errorf(mainstay.Denied, "%s in the snapshot was altered", name)
		}
		files[name] = newFile(name, body, old)
	}
	return files, nil
}

// AsOf is when the snapshot in a folder was last known to be current. Its signature holds for the key that it names.
func AsOf(dir string) (time.Time, error) {
	c, _, err := readHead(dir, nil)
	return c.AsOf, err
}
