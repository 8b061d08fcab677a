package app

import (
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/backup/backupdb"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/core/identity/identitydb"
	"github.com/mainstayhq/mainstay/core/intake/intakedb"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/core/undo/undodb"
	"github.com/mainstayhq/mainstay/core/view/viewdb"
	"github.com/mainstayhq/mainstay/core/webhook/webhookdb"
	"github.com/mainstayhq/mainstay/practice/communication/communicationdb"
	"github.com/mainstayhq/mainstay/practice/escalation/escalationdb"
	"github.com/mainstayhq/mainstay/practice/incident/incidentdb"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgedb"
	"github.com/mainstayhq/mainstay/practice/maintenance/maintenancedb"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcausedb"
	"github.com/mainstayhq/mainstay/practice/warning/warningdb"
	"github.com/mainstayhq/mainstay/storage"
)

// Migrations lists every owner of tables, each after those whose tables it refers to.
func Migrations() []storage.Migrations {
	return []storage.Migrations{
		storage.Own(), journaldb.Migrations(), timerdb.Migrations(), objectdb.Migrations(),
		settingdb.Migrations(), projectdb.Migrations(), peopledb.Migrations(), accessdb.Migrations(), identitydb.Migrations(),
		notifydb.Migrations(), actiondb.Migrations(), documentdb.Migrations(), filedb.Migrations(), searchdb.Migrations(),
		intakedb.Migrations(), warningdb.Migrations(), escalationdb.Migrations(), incidentdb.Migrations(),
		communicationdb.Migrations(), maintenancedb.Migrations(), rootcausedb.Migrations(), knowledgedb.Migrations(),
		viewdb.Migrations(), undodb.Migrations(), webhookdb.Migrations(), backupdb.Migrations(),
	}
}
