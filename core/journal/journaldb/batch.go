package journaldb

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/s2"

	"github.com/mainstayhq/mainstay/fact"
)

// batch is one link of a project's chain.
type batch struct {
	project     string
	first, last int64
	prev, hash  []byte
	packed      []byte
	facts       []fact.Fact // with their sequence
}

// entry is a fact as it is kept: beside its payload stand a salt and the digest of both. Erasing removes payload and salt and
// keeps the digest, so the chain stays valid and nobody can guess the payload from the digest.
type entry struct {
	Fact   fact.Fact `json:"f"`
	Salt   []byte    `json:"s,omitempty"`
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
	for i, f := range facts {
		f.Sequence = b.first + int64(i)
		salt := salts[16*i : 16*i+16]
		entries[i] = entry{Fact: f, Salt: salt, Digest: digest(salt, f.Payload)}
		b.facts = append(b.facts, f)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return b, fmt.Errorf("writing facts: %w", err)
	}
	b.packed = s2.Encode(nil, text)
	b.hash = link(b.prev, entries)
	return b, nil
}

func digest(salt, payload []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(payload)
	return h.Sum(nil)
}

// link is the hash over the previous hash and, for each fact, everything but the payload, for which its digest stands.
func link(prev []byte, entries []entry) []byte {
	h := sha256.New()
	h.Write(prev)
	var n [8]byte
	field := func(b []byte) {
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		h.Write(n[:])
	}
	for _, e := range entries {
		number(e.Fact.Sequence)
		number(e.Fact.At.UnixMicro())
		number(e.Fact.Recorded.UnixMicro())
		field([]byte(e.Fact.ID))
		field([]byte(e.Fact.Kind))
		field([]byte(e.Fact.Actor.String()))
		for _, s := range e.Fact.Subjects {
			field([]byte(s.String()))
		}
		field(e.Digest)
	}
	return h.Sum(nil)
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

// check says what is wrong with the batch as the link after prev, or nil.
func (b *batch) check(prev []byte, next int64) error {
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
		erased := len(e.Salt) == 0 && string(e.Fact.Payload) == "null"
		if !erased && !bytes.Equal(e.Digest, digest(e.Salt, e.Fact.Payload)) {
			return fmt.Errorf("%s: the content of fact %d was altered", at, e.Fact.Sequence)
		}
	}
	if !bytes.Equal(b.hash, link(b.prev, entries)) {
		return fmt.Errorf("%s: the hash does not match the facts", at)
	}
	return nil
}
