package app

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/fact"
	"github.com/mainstayhq/mainstay/storage"
)

// Rotation is what a rotation of the secret key did.
type Rotation struct {
	Secrets int      `json:"secrets"`        // sealed anew
	Lost    []string `json:"lost,omitempty"` // tables with secrets that no key here opens; they stay as they are
	Before  string   `json:"before"`         // file with the key of before, which old backups need
}

// sealedText is what Vault.Seal writes, wherever it stands: alone or within JSON.
var sealedText = regexp.MustCompile(`v1:[A-Za-z0-9+/]{54,}`)

// RotateKey replaces the secret key and seals everything anew, in one transaction. While that goes on the file holds both keys, so a
// crash at any moment leaves an installation that opens everything; running it again finishes. No server may work on the data. When the
// key has leaked, nothing that hangs on it counts any more.
func RotateKey(ctx context.Context, cfg Config, leaked bool) (out Rotation, err error) {
	db, err := openStorage(ctx, &cfg)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Alone(ctx); err != nil {
		return out, err
	}
	pending, newer, err := db.Pending(ctx, Migrations()...)
	if err == nil && len(newer)+len(pending) > 0 {
		err = mainstay.Errorf(mainstay.Conflict, "The database has the schema of another version. Start this version once, or use the one that wrote it.")
	}
	if err != nil {
		return out, err
	}
	file, err := setting.ReadKeyFile(cfg.SecretKeyFile)
	if err != nil {
		return out, err
	}
	during, after, err := file.Rotated(leaked)
	if err != nil {
		return out, err
	}
	before := cfg.SecretKeyFile + ".before-" + cfg.Time.Now().UTC().Format("20060102T150405Z")
	if err := errors.Join(file.Write(before), during.Write(cfg.SecretKeyFile)); err != nil {
		return out, err
	}
	err = db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		if out, err = reseal(ctx, db, during.Vault()); err != nil {
			return err
		}
		f := fact.New(cfg.Time.Now(), mainstay.Installation, operator, fact.SecretKeyRotated{Secrets: out.Secrets})
		return journaldb.New(db).Append(ctx, []fact.Fact{f})
	})
	if err != nil {
		return out, fmt.Errorf("sealing the secrets anew (both keys are in %s, which opens everything): %w", cfg.SecretKeyFile, err)
	}
	out.Before = before
	return out, after.Write(cfg.SecretKeyFile)
}

// reseal seals every secret anew.
func reseal(ctx context.Context, db *storage.DB, v *setting.Vault) (out Rotation, err error) {
	tables, err := db.Tables(ctx, Migrations()...)
	if err != nil {
		return out, err
	}
	for _, t := range tables {
		found, err := db.Holding(ctx, t, "v1:")
		if err != nil {
			return out, err
		}
		lost := false
		for column, values := range found {
			for _, was := range values {
				n := 0
				is := sealedText.ReplaceAllStringFunc(was, func(sealed string) string {
					plain, openErr := v.Open(sealed)
					if openErr != nil {
						lost = true // or it only looks like one
						return sealed
					}
					anew, sealErr := v.Seal(plain)
					if sealErr != nil {
						err = sealErr
						return sealed
					}
					n++
					return anew
				})
				if err != nil {
					return out, err
				}
				if n == 0 {
					continue
				}
				if err := db.Swap(ctx, t, column, was, is); err != nil {
					return out, err
				}
				out.Secrets += n
			}
		}
		if lost {
			out.Lost = append(out.Lost, t.Name)
		}
	}
	return out, nil
}
