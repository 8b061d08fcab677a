package statuspage

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/practice/communication"
)

// Source is where the renderer reads what is public; communicationdb.Store is one.
type Source interface {
	// Site reads everything that the page shows, and which of its incidents are private by the register of objects.
	Site(ctx context.Context, now time.Time) (communication.Site, map[string]bool, error)
	// Changed registers a function that is called, and must return at once, after every change of what Site reads.
	Changed(wake func())
}

// Config makes a Renderer. Source is required.
type Config struct {
	Source Source
	Page   func(ctx context.Context) (Page, error) // nil: the defaults
	Dir    string                                  // folder of the signed snapshot; "" keeps the page in memory alone
	Key    ed25519.PrivateKey                      // signs the snapshot; required with Dir
	Time   mainstay.Timekeeper
	Log    *slog.Logger
}

// Renderer renders the page when something changes, and says every few seconds that it is still current.
type Renderer struct {
	cfg     Config
	handler Handler
	wake    chan struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup

	files    Files
	sum      [32]byte
	asOf     time.Time
	rendered int64
	snapshot *writer
}

const (
	beat = 20 * time.Second       // how often the page is known to be current
	rest = 300 * time.Millisecond // between two renderings, however much changes
)

// NewRenderer makes a renderer; Start begins the work.
func NewRenderer(cfg Config) (*Renderer, error) {
	if cfg.Source == nil {
		return nil, errors.New("statuspage: Config needs a Source")
	}
	if cfg.Dir != "" && len(cfg.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("statuspage: a snapshot needs a Key to sign it")
	}
	if cfg.Time == nil {
		cfg.Time = mainstay.Clock{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Page == nil {
		cfg.Page = func(context.Context) (Page, error) { return Page{}, nil }
	}
	r := &Renderer{cfg: cfg, wake: make(chan struct{}, 1)}
	if cfg.Dir != "" {
		r.snapshot = &writer{dir: cfg.Dir, key: cfg.Key}
	}
	cfg.Source.Changed(r.Wake)
	return r, nil
}

// Handler serves the page.
func (r *Renderer) Handler() *Handler { return &r.handler }

// Wake asks for a rendering soon.
func (r *Renderer) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Start renders once and then keeps the page current until Stop. An error means that the first rendering failed.
func (r *Renderer) Start(ctx context.Context) error {
	if err := r.refresh(ctx); err != nil {
		return err
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.done.Go(func() { r.run(ctx) })
	return nil
}

// Stop ends the work and waits for it.
func (r *Renderer) Stop() {
	if r.stop != nil {
		r.stop()
		r.done.Wait()
	}
}

func (r *Renderer) run(ctx context.Context) {
	for ctx.Err() == nil {
		tick, stop := r.cfg.Time.Wait(beat)
		select {
		case <-ctx.Done():
		case <-tick:
		case <-r.wake:
		}
		stop()
		if ctx.Err() != nil {
			return
		}
		if err := r.refresh(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.ErrorContext(ctx, "the status page could not be brought up to date", "err", err)
			r.handler.Show(r.files, r.asOf, r.cfg.Time.Now()) // it says its age
		}
		pause := time.NewTimer(rest) // real: it spares the machine, not the story
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// refresh reads the site and, where anything of it changed, renders it, shows it and writes it to the folder.
func (r *Renderer) refresh(ctx context.Context) error {
	now := r.cfg.Time.Now()
	site, private, err := r.cfg.Source.Site(ctx, now)
	if err != nil {
		return fmt.Errorf("reading what is public: %w", err)
	}
	for id := range private {
		r.cfg.Log.WarnContext(ctx, "a private incident was kept off the status page", "incident", id)
	}
	page, err := r.cfg.Page(ctx)
	if err != nil {
		return fmt.Errorf("reading the status page's name: %w", err)
	}
	site = site.Public(private)
	sum, err := summed(page, site)
	if err != nil {
		return err
	}
	if sum != r.sum || r.files == nil {
		files, err := Render(ctx, page, site, r.files)
		if err != nil {
			return err
		}
		r.files, r.sum = files, sum
		r.rendered++
	}
	r.asOf = now
	r.handler.Show(r.files, now, now)
	if r.snapshot == nil {
		return nil
	}
	if err := r.snapshot.write(r.files, now); err != nil {
		return fmt.Errorf("writing the status snapshot: %w", err)
	}
	return nil
}

// summed tells two sites apart. The day counts too: the bars move on at midnight.
func summed(p Page, site communication.Site) ([32]byte, error) {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	day := site.At.In(zone).Format(time.DateOnly)
	site.At = time.Time{}
	b, err := json.Marshal(struct {
		ID, Name, URL, Zone, Day string
		Site                     communication.Site
	}{p.ID, p.Name, p.URL, zone.String(), day, site})
	return sha256.Sum256(b), err
}
