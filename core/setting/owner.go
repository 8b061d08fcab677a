package setting

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives the file the owner of the one that it takes the place of, where that is somebody else.
func keepOwner(f *os.File, was fs.FileInfo) error {
	s, ok := was.Sys().(*syscall.Stat_t)
	if !ok || int(s.Uid) == os.Geteuid() {
		return nil
	}
	return f.Chown(int(s.Uid), int(s.Gid))
}
