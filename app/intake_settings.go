package app

import (
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/fact"
)

// wireIntake makes the settings of the intake, which are read again after every change of a setting.
func (a *App) wireIntake() (err error) {
	if a.Intake, err = intake.NewSettings(a.Settings); err != nil {
		return err
	}
	kind := fact.SettingChanged{}.FactKind()
	a.Journal.Changed(func(facts []fact.Fact) {
		forget := facts == nil
		for i := range facts {
			forget = forget || facts[i].Kind == kind
		}
		if forget {
			a.Intake.Forget()
		}
	})
	return nil
}

// limits are what a request may bring.
func (a *App) limits() intake.Limits { return a.Intake.Now().Limits() }

// intakeKinds are the manifests of what is taken in.
func (a *App) intakeKinds() []kind {
	return []kind{
		kindOf("Intake", false, a.Intake.Define, a.Intake.Specs).
			is("intake", "", "What the installation takes in, and how long an alert lasts that is not heard of again. There is one, named default."),
	}
}
