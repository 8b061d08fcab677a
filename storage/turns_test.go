package storage_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay/mainstaytest"
	"github.com/mainstayhq/mainstay/storage"
)

// While somebody writes, others wait; then the urgent go first, and within a class who came first.
func TestUrgentWritesOvertakeNormalOnes(t *testing.T) {
	t.Parallel()
	e := mainstaytest.New(t, "sqlite")
	var mu sync.Mutex
	var order []string
	var wg sync.WaitGroup
	begun, release := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		err := e.DB.Write(t.Context(), storage.Normal, func(context.Context) error {
			close(begun)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	for _, w := range []struct {
		name  string
		class storage.Class
	}{{"import 1", storage.Normal}, {"import 2", storage.Normal}, {"page 1", storage.Urgent}, {"import 3", storage.Normal}, {"page 2", storage.Urgent}} {
		wg.Go(func() {
			err := e.DB.Write(t.Context(), w.class, func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, w.name)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(50 * time.Millisecond) // real: each is to wait before the next one comes
	}
	close(release)
	wg.Wait()
	if want := []string{"page 1", "page 2", "import 1", "import 2", "import 3"}; !slices.Equal(order, want) {
		t.Errorf("they wrote in the order %q, want %q", order, want)
	}
}
