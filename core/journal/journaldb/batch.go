package journaldb

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay/fact"
)

// batch is one link of a project's chain.
type batch struct {
	project     string
	first, last int64
	prev, hash  []byte
	packed      []byte
	kinds       string      // of its facts; "" when that was not kept
	facts       []fact.Fact // with their sequence
}

// entry is a fact as it is kept: beside its payload stand a salt and the digest of both. Erasing removes payload and salt and
// keeps the digest, so the chain stays valid and nobody can guess the payload from the digest. When something else takes the
// payload's place, that has a salt of its own, and its digest stands in the fact that says why.
type entry struct {
	Fact   fact.Fact `json:"f"`
	Salt   []byte    `json:"s,omitempty"`
	Anew   []byte    `json:"n,omitempty"` // the salt of what stands in the payload's place
	Digest []byte    `json:"d"`
}

// seal gives the facts the sequence numbers after head and links them to it.
func seal(head batch, facts []fact.Fact) (batch, error) {
	b := batch{project: head.project, first: head.last + 1, last: head.last + int64(len(facts)), prev: head.hash}
	if b.prev == nil {
		b.prev = []byte{}
	}
	salts := make([]byte, 16*len(facts))
	if _, err := rand.Read(salts); err != nil {
		return b, err
	}
	entries := make([]entry, len(facts))
	b.facts = make([]fact.Fact, len(facts))
	for i, f := range facts {
		f.Sequence = b.first + int64(i)
		salt := salts[16*i : 16*i+16]
		entries[i] = entry{Fact: f, Salt: salt, Digest: digest(salt, f.Payload)}
		b.facts[i] = f
	}
	b.packed = s2.Encode(nil, appendEntries(make([]byte, 0, 768*len(facts)), entries))
	b.hash = link(b.prev, entries)
	b.kinds = kindsOf(facts)
	return b, nil
}

// kindsOf names the kinds of the facts, each once, joined by commas.
func kindsOf(facts []fact.Fact) string {
	var kinds []string
	for i := range facts {
		if k := facts[i].Kind; !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ",")
}

// holds reports whether a batch may hold a fact of one of the kinds; nil is every kind. Batches of before say nothing of theirs.
func holds(batch string, kinds []string) bool {
	if kinds == nil || batch == "" {
		return true
	}
	for k := range strings.SplitSeq(batch, ",") {
		if slices.Contains(kinds, k) {
			return true
		}
	}
	return false
}

func digest(salt, payload []byte) []byte {
	var buf [1024]byte
	sum := sha256.Sum256(append(append(buf[:0], salt...), payload...))
	return sum[:]
}

// link is the hash over the previous hash and, for each fact, everything but the payload, for which its digest stands.
func link(prev []byte, entries []entry) []byte {
	b := append(make([]byte, 0, len(prev)+384*len(entries)), prev...)
	number := func(v int64) { b = binary.BigEndian.AppendUint64(b, uint64(v)) }
	field := func(parts ...string) {
		n := 0
		for _, p := range parts {
			n += len(p)
		}
		number(int64(n))
		for _, p := range parts {
			b = append(b, p...)
		}
	}
	for i := range entries {
		e := &entries[i]
		number(e.Fact.Sequence)
		number(e.Fact.At.UnixMicro())
		number(e.Fact.Recorded.UnixMicro())
		field(e.Fact.ID)
		field(e.Fact.Kind)
		field(e.Fact.Actor.String())
		for _, s := range e.Fact.Subjects {
			if s.IsZero() {
				field()
				continue
			}
			field(string(s.Kind), ":", s.ID)
		}
		number(int64(len(e.Digest)))
		b = append(b, e.Digest...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

func (b *batch) entries() ([]entry, error) {
	text, err := s2.Decode(nil, b.packed)
	if err != nil {
		return nil, fmt.Errorf("journal of %s, facts %d to %d: %w", b.project, b.first, b.last, err)
	}
	var list []entry
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("journal of %s, facts %d to %d: %w", b.project, b.first, b.last, err)
	}
	return list, nil
}

// unpack reads the facts of the batch.
func (b *batch) unpack() ([]fact.Fact, error) {
	entries, err := b.entries()
	if err != nil {
		return nil, err
	}
	facts := make([]fact.Fact, len(entries))
	for i, e := range entries {
		facts[i] = e.Fact
	}
	return facts, nil
}

// check says what is wrong with the batch as the link after prev, or nil, and notes what of it was erased.
func (b *batch) check(prev []byte, next int64, gone *erasures) error {
	at := fmt.Sprintf("project %s, facts %d to %d", b.project, b.first, b.last)
	if b.first != next {
		return fmt.Errorf("%s: facts %d to %d are missing", at, next, b.first-1)
	}
	if !bytes.Equal(b.prev, prev) {
		return fmt.Errorf("%s: the link to the fact before is broken", at)
	}
	entries, err := b.entries()
	if err != nil {
		return err
	}
	if int64(len(entries)) != b.last-b.first+1 {
		return fmt.Errorf("%s: it holds %d facts", at, len(entries))
	}
	for i, e := range entries {
		if e.Fact.Sequence != b.first+int64(i) || e.Fact.Project != b.project {
			return fmt.Errorf("%s: a fact stands in the wrong place", at)
		}
		if erased := gone.note(e); !erased && !bytes.Equal(e.Digest, digest(e.Salt, e.Fact.Payload)) {
			return fmt.Errorf("%s: the content of fact %d was altered", at, e.Fact.Sequence)
		}
	}
	if !bytes.Equal(b.hash, link(b.prev, entries)) {
		return fmt.Errorf("%s: the hash does not match the facts", at)
	}
	facts := make([]fact.Fact, len(entries))
	for i, e := range entries {
		facts[i] = e.Fact
	}
	if b.kinds != "" && b.kinds != kindsOf(facts) {
		return fmt.Errorf("%s: it says that it holds %s, and holds %s", at, b.kinds, kindsOf(facts))
	}
	return nil
}
