package intake_test

import (
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// What is set holds once it is read again; what is left out is the default; what makes no sense is refused field by field.
func TestTheSettingsOfTheIntake(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s, err := intake.NewSettings(setting.New(settingdb.New(e.DB, e.Saver), e.Clock))
		if err != nil {
			t.Fatal(err)
		}
		if s.Now().Timeout() != 5*time.Minute || s.Now().Limits() != (intake.Limits{}).Filled() {
			t.Errorf("at first: %+v", s.Now())
		}
		if specs, err := s.Specs(t.Context(), ""); err != nil || len(specs) != 0 {
			t.Errorf("at first: %v, %v", specs, err)
		}
		spec, by := intake.SettingsSpec{ResolveTimeout: "90s", Body: 1 << 20}, mainstay.System("test")
		if changed, err := s.Define(t.Context(), by, "", "default", spec); err != nil || !changed {
			t.Fatal(changed, err)
		}
		s.Forget()
		if l := s.Now().Limits(); s.Now().Timeout() != 90*time.Second || l.Body != 1<<20 || l.Labels != 64 {
			t.Errorf("then: %+v", s.Now())
		}
		if changed, err := s.Define(t.Context(), by, "", "default", spec); err != nil || changed {
			t.Error("the same again changes something", err)
		}
		if specs, err := s.Specs(t.Context(), ""); err != nil || specs["default"] != spec {
			t.Errorf("then: %v, %v", specs, err)
		}
		for name, bad := range map[string]intake.SettingsSpec{
			"resolveTimeout": {ResolveTimeout: "soon"}, "body": {Body: -1}, "unpacked": {Unpacked: 1 << 40}, "labels": {Labels: 1 << 20}, "value": {Value: -2},
		} {
			if _, err := s.Define(t.Context(), by, "", "default", bad); mainstay.ErrorFields(err)[name] == "" {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		if _, err := s.Define(t.Context(), by, "", "other", spec); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("there are two: %v", err)
		}
	}, settingdb.Migrations())
}
