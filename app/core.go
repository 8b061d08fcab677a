package app

import (
	"context"
	"path/filepath"

	"github.com/mainstayhq/mainstay/core/access"
	"github.com/mainstayhq/mainstay/core/access/accessdb"
	"github.com/mainstayhq/mainstay/core/action"
	"github.com/mainstayhq/mainstay/core/action/actiondb"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/commit/commitdb"
	"github.com/mainstayhq/mainstay/core/document"
	"github.com/mainstayhq/mainstay/core/document/documentdb"
	"github.com/mainstayhq/mainstay/core/file"
	"github.com/mainstayhq/mainstay/core/file/filedb"
	"github.com/mainstayhq/mainstay/core/identity"
	"github.com/mainstayhq/mainstay/core/journal/journaldb"
	"github.com/mainstayhq/mainstay/core/notify/notifydb"
	"github.com/mainstayhq/mainstay/core/object/objectdb"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/core/people/peopledb"
	"github.com/mainstayhq/mainstay/core/project"
	"github.com/mainstayhq/mainstay/core/project/projectdb"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/core/search/searchdb"
	"github.com/mainstayhq/mainstay/core/setting"
	"github.com/mainstayhq/mainstay/core/setting/settingdb"
	"github.com/mainstayhq/mainstay/core/timer/timerdb"
	"github.com/mainstayhq/mainstay/web"
)

// core are the mechanisms that all practices stand on.
type core struct {
	Vault     *setting.Vault
	Journal   *journaldb.Store
	Timers    *timerdb.Store
	Objects   *objectdb.Store
	Saver     *commitdb.Saver
	Settings  *setting.Service
	Projects  *project.Registry
	People    *people.Service
	Access    *access.Service
	Identity  *identity.Service
	Notices   *notifydb.Store
	Actions   *action.Service
	Documents *document.Service
	Files     *file.Service
	Search    *search.Service
}

func (a *App) wireCore(_ context.Context) (err error) {
	if a.Vault, err = setting.LoadKey(a.cfg.SecretKeyFile); err != nil {
		return err
	}
	db, now := a.DB, a.cfg.Time
	a.Journal, a.Timers, a.Objects = journaldb.New(db), timerdb.New(db), objectdb.New(db)
	index := searchdb.New(db)
	a.Saver = commitdb.New(a.Timers, commitdb.Writers{
		Facts: a.Journal.Append, Links: a.Objects.SaveLinks,
		Objects: func(ctx context.Context, list []commit.Object) error {
			if err := a.Objects.Save(ctx, list); err != nil {
				return err
			}
			return index.IndexObjects(ctx, list)
		},
	})
	actions := actiondb.New(db, a.Saver, a.Objects)
	a.Settings = setting.New(settingdb.New(db, a.Saver), now)
	if a.Projects, err = project.New(project.Config{Store: projectdb.New(db, a.Saver), Time: now}); err != nil {
		return err
	}
	if err := a.wirePeople(); err != nil {
		return err
	}
	if a.Notices, err = notifydb.New(db, a.Saver, notifydb.Config{People: recipients{a}, Available: a.available, Time: now, Log: a.cfg.Log}); err != nil {
		return err
	}
	a.Saver.Extend(a.Notices.SaveNotices, actions.SaveActions)
	if a.Actions, err = action.New(action.Config{Store: actions, Time: now}); err != nil {
		return err
	}
	if a.Documents, err = document.New(document.Config{Store: documentdb.New(db), Time: now}); err != nil {
		return err
	}
	disk, err := file.NewDisk(filepath.Join(a.cfg.Data, "files"))
	if err != nil {
		return err
	}
	if a.Files, err = file.New(file.Config{Store: filedb.New(db, a.Saver), Blobs: disk, Time: now}); err != nil {
		return err
	}
	a.Search, err = search.New(search.Config{Store: index, Reads: web.Reads})
	return err
}

// wirePeople makes people and access, which ask each other, and identity.
func (a *App) wirePeople() (err error) {
	store := peopledb.New(a.DB, a.Saver)
	if a.Access, err = access.New(access.Config{Store: accessdb.New(a.DB, a.Saver), Teams: store, Time: a.cfg.Time}); err != nil {
		return err
	}
	a.People, err = people.New(people.Config{
		Store: store, Roles: a.Access, Projects: a.Projects, Sealer: a.Vault, Time: a.cfg.Time,
		Holders: a.holders, Leave: a.leave, Matters: matters{a}, Keepers: a.keepers,
	})
	if err != nil {
		return err
	}
	a.Identity, err = identity.New(a.identityConfig())
	return err
}
