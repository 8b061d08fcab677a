package setting

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mainstayhq/mainstay"
)

// lasting are the purposes of derived keys that people outside rely on: hashes of recovery codes, the devices that get pages by push, and
// whoever checks the signature of the status page. A rotation keeps them unless the key has leaked.
var lasting = []string{"recovery-codes", "web-push", "status-snapshot"}

// KeyFile is what the file of the secret key holds: 64 hexadecimal characters, and after a rotation lines that say what of a key before
// still counts.
type KeyFile struct {
	Key    []byte
	Old    [][]byte          // "old HEX": opens what it has sealed, and its links count; of a rotation under way, or of an old backup
	Verify [][]byte          // "verify HEX": links signed with it count
	Derive map[string][]byte // "derive PURPOSE HEX": stands for the key derived for the purpose
}

// ParseKeyFile reads the text of a key file.
func ParseKeyFile(text string) (k KeyFile, err error) {
	k.Derive = map[string][]byte{}
	for n, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") && n > 0 {
			continue
		}
		b, err := hex.DecodeString(words[len(words)-1])
		if err != nil || len(b) != 32 {
			return k, errKeyFile
		}
		switch {
		case n == 0 && len(words) == 1:
			k.Key = b
		case n > 0 && len(words) == 2 && words[0] == "old":
			k.Old = append(k.Old, b)
		case n > 0 && len(words) == 2 && words[0] == "verify":
			k.Verify = append(k.Verify, b)
		case n > 0 && len(words) == 3 && words[0] == "derive":
			k.Derive[words[1]] = b
		default:
			return k, errKeyFile
		}
	}
	if k.Key == nil {
		return k, errKeyFile
	}
	return k, nil
}

var errKeyFile = errors.New("a line is none of a key file")

func (k KeyFile) text() []byte {
	var b strings.Builder
	b.WriteString(hex.EncodeToString(k.Key) + "\n")
	for _, o := range k.Old {
		b.WriteString("old " + hex.EncodeToString(o) + "\n")
	}
	for _, v := range k.Verify {
		b.WriteString("verify " + hex.EncodeToString(v) + "\n")
	}
	for _, purpose := range slices.Sorted(maps.Keys(k.Derive)) {
		b.WriteString("derive " + purpose + " " + hex.EncodeToString(k.Derive[purpose]) + "\n")
	}
	return []byte(b.String())
}

// Vault is the vault of the file's keys.
func (k KeyFile) Vault() *Vault {
	v := NewVault(k.Key)
	v.derived = k.Derive
	for _, o := range k.Old {
		old := NewVault(o)
		v.opening, v.verifying = append(v.opening, old.sealing), append(v.verifying, old.signing)
	}
	v.verifying = append(v.verifying, k.Verify...)
	return v
}

// Rotated is the file with a new key: during the rotation, when the old one must still open everything, and after it. When the key has
// leaked, nothing that hangs on it counts any more: links that were sent, recovery codes, devices of web push, the signature of the
// status page.
func (k KeyFile) Rotated(leaked bool) (during, after KeyFile, err error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return during, after, err
	}
	after = KeyFile{Key: key, Derive: map[string][]byte{}}
	if !leaked {
		was := k.Vault()
		after.Verify = [][]byte{was.signing}
		for _, purpose := range lasting {
			after.Derive[purpose] = was.Derive(purpose)
		}
	}
	during = after
	during.Old = append([][]byte{k.Key}, k.Old...)
	return during, after, nil
}

// ReadKeyFile reads a key file that must exist.
func ReadKeyFile(path string) (KeyFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return KeyFile{}, fmt.Errorf("reading the secret key: %w", err)
	}
	k, err := ParseKeyFile(string(text))
	if err != nil {
		return k, badKeyFile(path)
	}
	return k, nil
}

func badKeyFile(path string) error {
	return mainstay.Errorf(mainstay.Invalid, "the secret key file %s must hold 64 hexadecimal characters", path)
}

// Write replaces the file at once: at no moment is there half of one.
func (k KeyFile) Write(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".secret-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // moved away when all went well
	info, statErr := os.Stat(path)
	_, err = f.Write(k.text())
	if statErr == nil { // a key in /etc may belong to root and be read by a group
		err = errors.Join(err, f.Chmod(info.Mode().Perm()), keepOwner(f, info))
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the secret key: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("writing the secret key: %w", err)
	}
	return syncDir(dir)
}
