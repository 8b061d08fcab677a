package objectdb_test

import (
	"slices"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

// What hangs on a private object is known to whoever may know of that, however long the chain, and follows it when they change.
func TestKnown(t *testing.T) {
	t.Parallel()
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		now := e.Clock.Now()
		ref := func(k mainstay.Kind) mainstay.Ref { return mainstay.Ref{Kind: k, ID: mainstay.NewID(now)} }
		incident, cause, action := ref(mainstay.KindIncident), ref(mainstay.KindRootCause), ref(mainstay.KindAction)
		lone, open, wrong := ref(mainstay.KindExhibit), ref(mainstay.KindIncident), ref(mainstay.KindArticle)
		private := func(r, of mainstay.Ref, readers ...string) commit.Object {
			return commit.Object{Ref: r, Project: "p", Title: "secret", Private: true, Of: of, Readers: readers, At: now}
		}
		none := mainstay.Ref{}
		save := func(list ...commit.Object) { e.Commit(t, commit.Set{Objects: list}) }
		knows := func(person string, want ...mainstay.Ref) {
			t.Helper()
			var ids []string
			for _, r := range want {
				ids = append(ids, r.ID)
			}
			slices.Sort(ids)
			got, err := e.Objects.Known(t.Context(), person)
			if err != nil || !slices.Equal(got, ids) {
				t.Errorf("%s knows %v, want %v: %v", person, got, ids, err)
			}
		}
		save(private(incident, none, "ana", "ana", "ben"), private(cause, incident, "eve"), private(action, cause),
			private(lone, ref(mainstay.KindIncident)),                                                // what it hangs on is not there
			commit.Object{Ref: open, Project: "p", Title: "open", Readers: []string{"eve"}, At: now}, // not private
			private(wrong, open), // hangs on what is not
		)
		knows("ana", incident, cause, action)
		knows("ben", incident, cause, action)
		knows("eve")
		knows("")
		save(private(incident, none, "eve"), private(action, cause))
		knows("ana")
		knows("eve", incident, cause, action)
		shown := private(cause, incident)
		shown.Private = false
		save(shown)
		knows("eve", incident, action)
		save(commit.Object{Ref: incident, Deleted: true})
		knows("eve")
	})
}
