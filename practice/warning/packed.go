package warning

import "strings"

// texts keeps text in pieces of a megabyte. Text is only added; a piece of which nothing is needed any more goes.
type texts struct {
	pieces []*strings.Builder
	live   []int // bytes needed, by piece
	free   []uint32
	fill   uint32 // the piece that is being filled
}

// textPiece is how large a piece is, unless one text needs more.
const textPiece = 1 << 20

// textRef is where a text is; the zero textRef is the empty text.
type textRef struct{ piece, at, bytes uint32 }

// put keeps the parts one after the other as one text.
func (t *texts) put(parts ...string) textRef {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n == 0 {
		return textRef{}
	}
	if len(t.pieces) == 0 || t.pieces[t.fill].Cap()-t.pieces[t.fill].Len() < n {
		t.begin(n)
	}
	b := t.pieces[t.fill]
	at := b.Len()
	for _, p := range parts {
		b.WriteString(p) // within the capacity: what was given out before stays where it is
	}
	t.live[t.fill] += n
	return textRef{t.fill, uint32(at), uint32(n)} //nolint:gosec // a piece is smaller
}

// begin begins a piece that has room for n bytes.
func (t *texts) begin(n int) {
	if len(t.pieces) > 0 && t.live[t.fill] == 0 {
		t.let(t.fill)
	}
	b := &strings.Builder{}
	b.Grow(max(n, textPiece))
	if k := len(t.free); k > 0 {
		t.fill, t.free = t.free[k-1], t.free[:k-1]
		t.pieces[t.fill] = b
		return
	}
	t.fill = uint32(len(t.pieces)) //nolint:gosec // there are fewer
	t.pieces, t.live = append(t.pieces, b), append(t.live, 0)
}

// get is a text that is kept. It stays what it is whatever happens to the texts.
func (t *texts) get(r textRef) string {
	if r.bytes == 0 {
		return ""
	}
	return t.pieces[r.piece].String()[r.at : r.at+r.bytes]
}

// drop says that a text is needed no more.
func (t *texts) drop(r textRef) {
	if r.bytes == 0 {
		return
	}
	if t.live[r.piece] -= int(r.bytes); t.live[r.piece] == 0 && r.piece != t.fill {
		t.let(r.piece)
	}
}

func (t *texts) let(piece uint32) {
	t.pieces[piece] = nil
	t.free = append(t.free, piece)
}

// wasteful reports whether more than half of what is kept is needed by nobody.
func (t *texts) wasteful() bool {
	kept, live := 0, 0
	for i, b := range t.pieces {
		if b != nil {
			kept += b.Cap()
			live += t.live[i]
		}
	}
	return kept > 2*live+16*textPiece
}

// end is when an alert may end. It counts as long as the record in the slot is the alert's and says so.
type end struct {
	at, number int64
	slot       uint32
}

// endHeap has the earliest end first.
type endHeap []end

func (h *endHeap) push(e end) {
	*h = append(*h, e)
	l := *h
	for i := len(l) - 1; i > 0; {
		up := (i - 1) / 2
		if l[up].at <= l[i].at {
			return
		}
		l[up], l[i] = l[i], l[up]
		i = up
	}
}

func (h *endHeap) pop() end {
	l := *h
	first := l[0]
	n := len(l) - 1
	l[0] = l[n]
	l = l[:n]
	*h = l
	for i := 0; ; {
		next := 2*i + 1
		if next >= n {
			return first
		}
		if next+1 < n && l[next+1].at < l[next].at {
			next++
		}
		if l[i].at <= l[next].at {
			return first
		}
		l[i], l[next] = l[next], l[i]
		i = next
	}
}
