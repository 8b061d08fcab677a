package documentdb

import (
	"context"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/storage"
)

// By lists the revisions that somebody wrote, with their texts, in order of document and revision, from the one after the given.
func (s *Store) By(ctx context.Context, author mainstay.Actor, after document.Revision, limit int) ([]document.Revision, error) {
	return storage.All(ctx, s.db, scan, `SELECT `+textColumns+` FROM document d JOIN document_revision r ON r.document = d.id
		WHERE r.author_kind = $1 AND r.author_id = $2 AND (r.document > $3 OR r.document = $3 AND r.revision > $4)
		ORDER BY r.document, r.revision LIMIT $5`, string(author.Kind), author.ID, after.Document, after.Revision, limit)
}
