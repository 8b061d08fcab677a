package intake

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/setting"
)

// SettingsSpec is the spec of a manifest of kind Intake, of which there is one, named "default": what the installation takes in, and how
// long it takes an alert to last. Zero fields are the defaults.
type SettingsSpec struct {
	ResolveTimeout string `yaml:"resolveTimeout,omitempty" json:"resolveTimeout,omitempty" doc:"How long an alert lasts that was given no end and is not heard of again, such as 5m (the default)"`
	Body           int64  `yaml:"body,omitempty" json:"body,omitempty" doc:"Bytes of a request as sent; default 4 MiB"`
	Unpacked       int64  `yaml:"unpacked,omitempty" json:"unpacked,omitempty" doc:"Bytes of a request after gzip; default 32 MiB"`
	Labels         int    `yaml:"labels,omitempty" json:"labels,omitempty" doc:"Labels, and annotations, of an alert; default 64"`
	Name           int    `yaml:"name,omitempty" json:"name,omitempty" doc:"Bytes of a label's name; default 1 KiB"`
	Value          int    `yaml:"value,omitempty" json:"value,omitempty" doc:"Bytes of a value; default 8 KiB"`
}

// ResolveTimeout is the default time after which an alert that was given no end, and is not heard of again, counts as over.
const ResolveTimeout = 5 * time.Minute

// Bounds of what may be set.
const (
	leastTimeout, mostTimeout = 10 * time.Second, 30 * 24 * time.Hour
	mostBytes                 = 1 << 30
	mostLabels, mostText      = 10_000, 1 << 20
)

// Check says what is wrong with the settings, field by field of the manifest.
func (s SettingsSpec) Check() error {
	var faults mainstay.Faults
	if s.ResolveTimeout != "" {
		if d, err := time.ParseDuration(s.ResolveTimeout); err != nil || d < leastTimeout || d > mostTimeout {
			faults.Add("resolveTimeout", "%q is not a duration from %s to %s, such as 5m", s.ResolveTimeout, leastTimeout, mostTimeout)
		}
	}
	for _, x := range []struct {
		name    string
		v, most int64
	}{
		{"body", s.Body, mostBytes}, {"unpacked", s.Unpacked, mostBytes}, {"labels", int64(s.Labels), mostLabels},
		{"name", int64(s.Name), mostText}, {"value", int64(s.Value), mostText},
	} {
		if x.v < 0 || x.v > x.most {
			faults.Add(x.name, "%d lies outside of 1 to %d", x.v, x.most)
		}
	}
	return faults.Err()
}

// Limits are the settings' limits.
func (s SettingsSpec) Limits() Limits {
	return Limits{Body: s.Body, Unpacked: s.Unpacked, Labels: s.Labels, Name: s.Name, Value: s.Value}.Filled()
}

// Timeout is the settings' resolve timeout.
func (s SettingsSpec) Timeout() time.Duration {
	if d, err := time.ParseDuration(s.ResolveTimeout); err == nil && d > 0 {
		return d
	}
	return ResolveTimeout
}

var settings = setting.Setting[SettingsSpec]{Name: "intake", Check: func(s SettingsSpec) error { return s.Check() }}

// Settings reads what is set. It remembers what it read, for they are asked with each request, until Forget.
type Settings struct {
	service *setting.Service
	known   atomic.Pointer[SettingsSpec]
	version atomic.Int64 // rises with each Forget: what was read before one is not kept
}

// NewSettings makes them.
func NewSettings(s *setting.Service) (*Settings, error) {
	if s == nil {
		return nil, errors.New("intake: Settings need a setting.Service")
	}
	return &Settings{service: s}, nil
}

// Forget has the settings read again. It is called after every commit that changed settings, and when another process may have.
func (s *Settings) Forget() {
	s.version.Add(1)
	s.known.Store(nil)
}

// Now is what is set. While the database does not answer, it is what was known, else the defaults.
func (s *Settings) Now() SettingsSpec {
	if known := s.known.Load(); known != nil {
		return *known
	}
	version := s.version.Load()
	read, err := setting.Read(context.Background(), s.service, mainstay.Installation, settings)
	if err != nil {
		return SettingsSpec{}
	}
	s.known.Store(&read)
	if s.version.Load() != version {
		s.known.Store(nil)
	}
	return read
}

// settingsName is the name of the one manifest.
const settingsName = "default"

// Define makes the settings be as the spec says.
func (s *Settings) Define(ctx context.Context, actor mainstay.Actor, _, name string, spec SettingsSpec) (bool, error) {
	if name != settingsName {
		return false, mainstay.Faults{"name": "There is one manifest of this kind, and its name is " + settingsName + "."}.Err()
	}
	has, err := setting.Read(ctx, s.service, mainstay.Installation, settings)
	if err != nil || has == spec {
		return false, err
	}
	err = setting.Write(ctx, s.service, actor, mainstay.Installation, settings, spec)
	return err == nil, err
}

// Specs are the manifests, for export: none while all is default.
func (s *Settings) Specs(ctx context.Context, _ string) (map[string]SettingsSpec, error) {
	has, err := setting.Read(ctx, s.service, mainstay.Installation, settings)
	if err != nil || has == (SettingsSpec{}) {
		return nil, err
	}
	return map[string]SettingsSpec{settingsName: has}, nil
}
