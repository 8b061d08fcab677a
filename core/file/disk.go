package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mainstayhq/mainstay"
)

// Disk keeps contents in a folder, as ab/cdef… by their digest. Equal contents lie there once.
type Disk struct{ dir string }

var _ Blobs = (*Disk)(nil)

// NewDisk makes the folder when it is absent, and a Disk on it.
func NewDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(filepath.Join(dir, "incoming"), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of files: %w", err)
	}
	return &Disk{dir}, nil
}

func (d *Disk) path(sha string) (string, error) {
	if b, err := hex.DecodeString(sha); err != nil || len(b) != sha256.Size {
		return "", mainstay.Errorf(mainstay.NotFound, "There is no such file.")
	}
	return filepath.Join(d.dir, sha[:2], sha[2:]), nil
}

// Put implements Blobs: the file and the folder that names it are synced before it returns.
func (d *Disk) Put(_ context.Context, r io.Reader, limit int64) (Blob, error) {
	tmp, err := os.CreateTemp(filepath.Join(d.dir, "incoming"), "*.part")
	if err != nil {
		return Blob{}, fmt.Errorf("storing a file: %w", err)
	}
	defer func() {
		_ = tmp.Close()           // closed already when all went well
		_ = os.Remove(tmp.Name()) // moved away when all went well
	}()
	blob, err := copyInto(tmp, r, limit)
	if err != nil {
		return Blob{}, err
	}
	if err := errors.Join(tmp.Chmod(0o400), tmp.Sync(), tmp.Close()); err != nil {
		return Blob{}, fmt.Errorf("storing a file: %w", err)
	}
	to, err := d.path(blob.SHA256)
	if err != nil {
		return Blob{}, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return Blob{}, fmt.Errorf("storing a file: %w", err)
	}
	if err := os.Rename(tmp.Name(), to); err != nil { // over an equal content: the same bytes, and young again for the sweep
		return Blob{}, fmt.Errorf("storing a file: %w", err)
	}
	return blob, errors.Join(syncDir(filepath.Dir(to)), syncDir(d.dir))
}

func copyInto(w io.Writer, r io.Reader, limit int64) (Blob, error) {
	sum, head := sha256.New(), &headWriter{}
	n, err := io.Copy(io.MultiWriter(w, sum, head), io.LimitReader(r, limit+1))
	var known *mainstay.Error
	switch {
	case errors.As(err, &known):
		return Blob{}, err
	case err != nil:
		return Blob{}, fmt.Errorf("storing a file: %w", err)
	case n > limit:
		return Blob{}, mainstay.Errorf(mainstay.TooLarge, "The file is larger than the %d MiB that a file may have. Nothing was kept.", limit>>20)
	}
	return Blob{SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n, Head: head.b}, nil
}

// headWriter keeps the first 512 bytes.
type headWriter struct{ b []byte }

// Write implements io.Writer.
func (h *headWriter) Write(p []byte) (int, error) {
	if room := 512 - len(h.b); room > 0 {
		h.b = append(h.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// Clean removes what uploads that were cut off have left, if it is older than the time.
func (d *Disk) Clean(_ context.Context, before time.Time) (n int, err error) {
	list, err := filepath.Glob(filepath.Join(d.dir, "incoming", "*.part"))
	if err != nil {
		return 0, err
	}
	for _, path := range list {
		info, err := os.Stat(path)
		if err != nil || !info.ModTime().Before(before) {
			continue // somebody was faster, or it still grows
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, fmt.Errorf("removing half a file: %w", err)
		}
		n++
	}
	return n, nil
}

// Open implements Blobs.
func (d *Disk) Open(_ context.Context, sha string) (io.ReadSeekCloser, error) {
	p, err := d.path(sha)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, mainstay.Errorf(mainstay.NotFound, "The content of this file is missing in the folder of files. A backup may have it.")
	}
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	return f, nil
}

// Walk implements Blobs.
func (d *Disk) Walk(ctx context.Context, f func(sha string, since time.Time) error) error {
	folders, err := os.ReadDir(d.dir)
	if err != nil {
		return fmt.Errorf("listing files: %w", err)
	}
	for _, folder := range folders {
		if len(folder.Name()) != 2 {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(d.dir, folder.Name()))
		if err != nil {
			return fmt.Errorf("listing files: %w", err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("listing files: %w", err)
			}
			if err := errors.Join(ctx.Err(), f(folder.Name()+e.Name(), info.ModTime())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove implements Blobs.
func (d *Disk) Remove(_ context.Context, sha string) error {
	p, err := d.path(sha)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing a file: %w", err)
	}
	return nil
}
