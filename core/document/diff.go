package document

import "strings"

// Line is one line of a comparison: kept (' '), added ('+') or removed ('-').
type Line struct {
	Op   byte
	Text string
	Old  int // line number in the old text, from 1; 0 when added
	New  int // line number in the new text, from 1; 0 when removed
}

// maxEdits bounds the search for the shortest comparison; beyond it, the changed middle is shown as removed and added whole.
const maxEdits = 1500

// Diff compares two texts line by line and returns every line, in order, with the fewest added and removed.
func Diff(older, newer string) []Line {
	a, b := lines(older), lines(newer)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	ops := strings.Repeat(" ", head) + shortest(a[head:len(a)-tail], b[head:len(b)-tail]) + strings.Repeat(" ", tail)
	list := make([]Line, 0, len(ops))
	i, j := 0, 0
	for k := range len(ops) {
		switch ops[k] {
		case '-':
			i++
			list = append(list, Line{'-', a[i-1], i, 0})
		case '+':
			j++
			list = append(list, Line{'+', b[j-1], 0, j})
		default:
			i, j = i+1, j+1
			list = append(list, Line{' ', a[i-1], i, j})
		}
	}
	return list
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// shortest is Myers' greedy algorithm (An O(ND) Difference Algorithm, 1986): for each number of edits d, the furthest point
// reached on each diagonal. The kept rows lead back from the end.
func shortest(a, b []string) string {
	n, m := len(a), len(b)
	limit := min(n+m, maxEdits)
	v := make([]int, 2*limit+3)
	at := func(k int) int { return k + limit + 1 }
	var rows [][]int
	for d := 0; d <= limit; d++ {
		for k := -d; k <= d; k += 2 {
			x := v[at(k-1)] + 1
			if k == -d || k != d && v[at(k-1)] < v[at(k+1)] {
				x = v[at(k+1)]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			v[at(k)] = x
			if x >= n && x-k >= m {
				return back(rows, n, m)
			}
		}
		rows = append(rows, append([]int(nil), v[at(-d):at(d)+1]...))
	}
	return strings.Repeat("-", n) + strings.Repeat("+", m)
}

// back walks from the end to the start through the rows, row d holding the diagonals -d..d.
func back(rows [][]int, x, y int) string {
	var ops []byte
	for d := len(rows); d > 0; d-- {
		k := x - y
		row := func(k int) int { // the row before; -1 where it has no such diagonal
			if i := k + d - 1; i >= 0 && i < 2*d-1 {
				return rows[d-1][i]
			}
			return -1
		}
		prev := k - 1
		if k == -d || k != d && row(k-1) < row(k+1) {
			prev = k + 1
		}
		px := row(prev)
		py := px - prev
		for x > px && y > py {
			ops, x, y = append(ops, ' '), x-1, y-1
		}
		if x > px {
			ops, x = append(ops, '-'), x-1
		} else {
			ops, y = append(ops, '+'), y-1
		}
	}
	for range x { // d == 0: the common start
		ops = append(ops, ' ')
	}
	for i, j := 0, len(ops)-1; i < j; i, j = i+1, j-1 {
		ops[i], ops[j] = ops[j], ops[i]
	}
	return string(ops)
}
