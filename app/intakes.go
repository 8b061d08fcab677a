package app

import (
	"github.com/mainstayhq/mainstay/core/intake"
	"github.com/mainstayhq/mainstay/core/intake/alertmanager"
	"github.com/mainstayhq/mainstay/core/intake/generic"
	"github.com/mainstayhq/mainstay/core/intake/heartbeat"
)

// formats lists what senders may speak.
func formats() []intake.Format {
	return []intake.Format{alertmanager.Format{}, generic.Format{}, heartbeat.Format{}}
}

func formatNames() []string {
	var l []string
	for _, f := range formats() {
		l = append(l, f.Name())
	}
	return l
}
