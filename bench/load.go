package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load posts new alerts at a rate over a number of connections. The generator shares the machine with what it measures, so it is made
// to be cheap: the bodies stand ready, and only the ids in them change.
type load struct {
	addr, path string
	auth       string // value of Authorization, "" for none
	by         int    // alerts in a request
	conns      int
	rate       float64 // alerts a second; 0 is as fast as the answers come
	first      int64   // id of the first alert
	starts     time.Time

	next, answered, busy atomic.Int64
}

// outcome is what a load came to.
type outcome struct {
	alerts int64         // acknowledged
	took   time.Duration // until the last answer
	waits  []float64     // ms from when each request was due until its answer
	busy   int64         // answers that said to send it again
}

const idDigits = 10

// body is a request of new alerts, as Prometheus posts them, and where in it the ids stand.
func (l *load) body() (text []byte, ids []int) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range l.by {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"annotations":{"description":"checkout-%d answers 503 to 12.5 %% of requests for 2 minutes","summary":"Errors on checkout"},`+
			`"endsAt":%q,"startsAt":%q,"generatorURL":"http://prometheus.internal:9090/graph?g0.expr=rate%%28x%%5B5m%%5D%%29\u0026g0.tab=1",`+
			`"labels":{"alertname":"ErrorsHigh%d","cluster":"eu-1","instance":"10.0.%d.%d:9100","job":"checkout","n":"`,
			i, l.starts.Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z"), l.starts.UTC().Format("2006-01-02T15:04:05.000Z"), i%20, i/256, i%256)
		ids = append(ids, b.Len())
		fmt.Fprintf(&b, `%0*d","namespace":"shop","pod":"checkout-%d","severity":"critical"}}`, idDigits, 0, i)
	}
	b.WriteByte(']')
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", l.path, l.addr, b.Len())
	if l.auth != "" {
		head += "Authorization: " + l.auth + "\r\n"
	}
	head += "\r\n"
	for i := range ids {
		ids[i] += len(head)
	}
	return append([]byte(head), b.Bytes()...), ids
}

// run posts until so many alerts have been, or d is over; the last request of each connection is always answered.
func (l *load) run(alerts int64, d time.Duration) (outcome, error) {
	var out outcome
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	began := time.Now()
	for range l.conns {
		wg.Go(func() {
			waits, err := l.converse(began, alerts, d)
			mu.Lock()
			defer mu.Unlock()
			out.waits = append(out.waits, waits...)
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	out.took, out.alerts, out.busy = time.Since(began), l.answered.Load(), l.busy.Load()
	return out, failed
}

func (l *load) converse(began time.Time, alerts int64, d time.Duration) (waits []float64, err error) {
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer c.Close() //nolint:errcheck // the conversation is over
	in := bufio.NewReaderSize(c, 4<<10)
	text, ids := l.body()
	for {
		k := l.next.Add(1) - 1
		due := began
		if l.rate > 0 {
			due = began.Add(time.Duration(float64(k*int64(l.by)) / l.rate * 1e9))
		}
		if alerts > 0 && k*int64(l.by) >= alerts || d > 0 && due.Sub(began) >= d || l.rate == 0 && d > 0 && time.Since(began) >= d {
			return waits, nil
		}
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait) // real: the schedule
		}
		if l.rate == 0 {
			due = time.Now()
		}
		for i, at := range ids {
			number(text[at:at+idDigits], l.first+k*int64(l.by)+int64(i))
		}
		for {
			if _, err := c.Write(text); err != nil {
				return waits, err
			}
			status, said, err := answer(in)
			if err != nil {
				return waits, err
			}
			if status == 200 {
				break
			}
			if status != 503 && status != 429 {
				return waits, fmt.Errorf("%s answered %d: %s", l.path, status, said)
			}
			l.busy.Add(1)
			time.Sleep(50 * time.Millisecond) // real: it asked for that
		}
		l.answered.Add(int64(l.by))
		waits = append(waits, float64(time.Since(due).Microseconds())/1000)
	}
}

func number(to []byte, n int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + n%10)
		n /= 10
	}
}

// answer reads one answer and drops its body.
func answer(in *bufio.Reader) (status int, said string, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, "", err
	}
	if len(line) < 12 {
		return 0, "", fmt.Errorf("no answer of HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, "", err
	}
	length := 0
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, "", err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > 16 && (line[0] == 'C' || line[0] == 'c') && strings.EqualFold(string(line[:15]), "Content-Length:") {
			if length, err = strconv.Atoi(strings.TrimSpace(string(line[15:]))); err != nil {
				return 0, "", err
			}
		}
	}
	if status != 200 {
		b := make([]byte, length)
		_, err = io.ReadFull(in, b)
		return status, string(b), err
	}
	_, err = in.Discard(length)
	return status, "", err
}
