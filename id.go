package mainstay

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// ids keeps the last time field given out, so that identifiers made in one process only ever ascend.
var ids struct {
	sync.Mutex
	last uint64
}

// NewID makes a UUIDv7 (RFC 9562) for the given time. Identifiers of one process ascend in the order of the calls, even
// within a millisecond: the 12 bits after the version count up.
func NewID(now time.Time) string {
	var b [16]byte
	if _, err := rand.Read(b[8:]); err != nil {
		panic(err) // the operating system has no randomness: nothing can go on safely
	}
	t := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)*4096/1e6
	ids.Lock()
	// A clock that is moved back (tests, a corrected host) may start over; within a second, order is kept.
	if t <= ids.last && ids.last-t < 1000<<12 {
		t = ids.last + 1
	}
	ids.last = t
	ids.Unlock()
	binary.BigEndian.PutUint64(b[:8], t>>12<<16|0x7000|t&0xfff)
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// ValidID reports whether s has the shape of an identifier: 36 characters, lower-case hex and hyphens.
func ValidID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}
