package journal

import (
	"context"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/fact"
)

// AuditQuery selects facts of several projects, newest first. Zero fields select everything but Projects.
type AuditQuery struct {
	Projects []string     // ids, and mainstay.Installation; required
	Person   string       // person id: what they did, and what was about them
	By       string       // "people": what persons and tokens did; "system": what Mainstay did by itself; "" for both
	Subject  mainstay.Ref // what was about this object
	Kinds    []string     // of facts; an entry that ends with a dot is the beginning of kinds, such as "identity."
	Since    time.Time    // recorded at or after
	Until    time.Time    // recorded before
	Cursor   string       // AuditPage.Next of the page before
	Limit    int          // default 100, at most 1,000
	Reach    int          // batches looked at before a page ends though it is not full; default 20,000
}

// AuditPage is one page. Next is "" at the end. Back is how far it looked when it is not full and yet not at the end.
type AuditPage struct {
	Facts []fact.Fact
	Next  string
	Back  time.Time
}

// Auditor reads what happened in several projects as one story.
type Auditor interface {
	Audit(ctx context.Context, q AuditQuery) (AuditPage, error)
}
