package setting_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/mainstaytest"
)

func TestSecretsAreSealedWithTheKeyOutsideTheDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret.key")
	v, err := setting.LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	sealed, err := v.Seal("hunter2")
	if err != nil || strings.Contains(sealed, "hunter2") {
		t.Fatalf("%q, %v", sealed, err)
	}
	again, err := setting.LoadKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Open(sealed); err != nil || plain != "hunter2" {
		t.Fatalf("%q, %v", plain, err)
	}
	if _, err := setting.NewVault(make([]byte, 32)).Open(sealed); !mainstay.Is(err, mainstay.Unavailable) {
		t.Fatalf("another key opened it: %v", err)
	}
	if _, err := v.Open(sealed[:len(sealed)-2] + "AA"); err == nil {
		t.Fatal("an altered secret was opened")
	}
}

// Processes that begin at the same moment on an empty folder agree on one key, and leave nothing beside it.
func TestOneKeyIsMade(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "secret.key")
	keys := make(chan string)
	for range 16 {
		go func() {
			v, err := setting.LoadKey(file)
			if err != nil {
				keys <- err.Error()
				return
			}
			keys <- string(v.Derive("test"))
		}()
	}
	first := <-keys
	for range 15 {
		if k := <-keys; k != first {
			t.Fatalf("%q and %q", first, k)
		}
	}
	if list, err := os.ReadDir(filepath.Dir(file)); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
}

func TestASignedLinkCannotBeAlteredOrOutlived(t *testing.T) {
	v := setting.NewVault(make([]byte, 32))
	now := mainstaytest.Start
	token := v.Sign("ack", "page-7/person-3", now.Add(time.Hour))
	if text, err := v.Verify("ack", token, now); err != nil || text != "page-7/person-3" {
		t.Fatalf("%q, %v", text, err)
	}
	if _, err := v.Verify("ack", token, now.Add(2*time.Hour)); !mainstay.Is(err, mainstay.Gone) {
		t.Errorf("an ended link: %v", err)
	}
	for _, bad := range []string{"", ".", "x.y", token + "x", "A" + token[1:], token[:len(token)-3]} {
		if _, err := v.Verify("ack", bad, now); !mainstay.Is(err, mainstay.Denied) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := v.Verify("unsubscribe", token, now); !mainstay.Is(err, mainstay.Denied) {
		t.Errorf("another purpose: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	v := setting.NewVault(make([]byte, 32))
	good := v.Sign("ack", "x", mainstaytest.Start.Add(time.Hour))
	f.Add(good)
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, token string) {
		if text, err := v.Verify("ack", token, mainstaytest.Start); err == nil && token != good {
			t.Fatalf("%q verified as %q", token, text)
		}
	})
}

func TestASettingFallsBackToTheInstallationAndTheDefault(t *testing.T) {
	mainstaytest.Databases(t, func(t *testing.T, e *mainstaytest.Env) {
		s := setting.New(settingdb.New(e.DB, e.Saver), e.Clock)
		timeout := setting.Setting[int]{Name: "alert.timeout", Default: 5, Check: func(v int) error {
			if v < 1 {
				return mainstay.Errorf(mainstay.Invalid, "must be at least 1")
			}
			return nil
		}}
		read := func(project string, want int) {
			t.Helper()
			if got, err := setting.Read(t.Context(), s, project, timeout); err != nil || got != want {
				t.Errorf("%s: %d, %v; want %d", project, got, err, want)
			}
		}
		read("p", 5)
		actor := mainstay.Person("ana")
		if err := setting.Write(t.Context(), s, actor, mainstay.Installation, timeout, 7); err != nil {
			t.Fatal(err)
		}
		if err := setting.Write(t.Context(), s, actor, "p", timeout, 9); err != nil {
			t.Fatal(err)
		}
		if err := setting.Write(t.Context(), s, actor, "p", timeout, 0); !mainstay.Is(err, mainstay.Invalid) {
			t.Errorf("a bad value: %v", err)
		}
		read("p", 9)
		read("q", 7)
		if f := e.Facts(t, "p", "setting.changed"); len(f) != 1 || strings.Contains(string(f[0].Payload), "9") {
			t.Errorf("facts %s", f[0].Payload)
		}
	}, settingdb.Migrations())
}
