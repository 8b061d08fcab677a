package statuspage

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
)

// SnapshotConfig makes a Snapshot. Dir is required.
type SnapshotConfig struct {
	Dir  string
	Key  ed25519.PublicKey // who must have signed it; nil trusts the first key that is seen, until the process ends
	Time mainstay.Timekeeper
	Log  *slog.Logger
}

// Snapshot serves a folder that a Renderer writes, in another process, without a database. What it cannot verify it does not
// show: it goes on with what it has, and says how old that is.
type Snapshot struct {
	cfg     SnapshotConfig
	handler Handler
	pinned  ed25519.PublicKey
	head    current
	files   Files
	shown   string // generation and notice that the handler shows
	fault   string // what was logged last
}

// NewSnapshot makes a server of the folder; Run keeps it current.
func NewSnapshot(cfg SnapshotConfig) (*Snapshot, error) {
	if cfg.Dir == "" {
		return nil, errors.New("statuspage: a snapshot needs a folder")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Snapshot{cfg: cfg, pinned: cfg.Key}
	s.Refresh()
	return s, nil
}

// Handler serves the page.
func (s *Snapshot) Handler() *Handler { return &s.handler }

// Run looks at the folder every second until ctx ends.
func (s *Snapshot) Run(ctx context.Context) {
	for ctx.Err() == nil {
		tick, stop := s.cfg.Time.Wait(time.Second)
		select {
		case <-ctx.Done():
		case <-tick:
			s.Refresh()
		}
		stop()
	}
}

// Refresh looks at the folder once. It must not be called from two goroutines at a time.
func (s *Snapshot) Refresh() {
	err := s.load()
	if err != nil && s.fault != err.Error() {
		s.fault = err.Error()
		log := s.cfg.Log.Error
		if errors.Is(err, fs.ErrNotExist) {
			log = s.cfg.Log.Warn // it may come yet
		}
		log("the status snapshot cannot be taken over; the last good one stays", "folder", s.cfg.Dir, "err", err)
	}
	if err == nil {
		s.fault = ""
	}
	if s.files == nil {
		return
	}
	now := s.cfg.Time.Now()
	if key := s.head.Generation + s.head.AsOf.String() + ageNotice(s.head.AsOf, now); key != s.shown {
		s.shown = key
		s.handler.Show(s.files, s.head.AsOf, now)
	}
}

func (s *Snapshot) load() error {
	head, key, err := readHead(s.cfg.Dir, s.pinned)
	if err != nil {
		return err
	}
	switch {
	case head.AsOf.Before(s.head.AsOf):
		return mainstay.Errorf(mainstay.Denied, "the snapshot is older than the one that is shown")
	case head.AsOf.After(s.cfg.Time.Now().Add(time.Hour)):
		return mainstay.Errorf(mainstay.Denied, "the snapshot is from the future: look at the clocks of both machines")
	}
	if head.Manifest != s.head.Manifest || head.Generation != s.head.Generation {
		files, err := readGeneration(s.cfg.Dir, head, s.files)
		if err != nil {
			return err
		}
		s.files = files
	}
	if s.pinned == nil {
		s.pinned = key
		s.cfg.Log.Info("the status snapshot's key is trusted from now on", "key", base64.StdEncoding.EncodeToString(key))
	}
	s.head = head
	return nil
}

// Serve serves the folder on the listener until ctx ends; it closes the listener.
func Serve(ctx context.Context, cfg SnapshotConfig, l net.Listener) error {
	s, err := NewSnapshot(cfg)
	if err != nil {
		return err
	}
	return ServeHandler(ctx, s.Handler(), l, s.Run)
}

// ServeHandler serves a handler of the status page on the listener until ctx ends, with limits that fit public bytes. run, when
// not nil, runs beside it.
func ServeHandler(ctx context.Context, h http.Handler, l net.Listener, run func(context.Context)) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 60 * time.Second, MaxHeaderBytes: 16 << 10,
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if run != nil {
		beside.Go(func() { run(ctx) })
	}
	failed := make(chan error, 1)
	beside.Go(func() { failed <- server.Serve(l) })
	select {
	case err := <-failed:
		return fmt.Errorf("serving the status page: %w", err)
	case <-ctx.Done():
	}
	grace, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer end()
	return server.Shutdown(grace)
}
