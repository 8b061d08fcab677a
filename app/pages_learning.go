package app

import (
	"github.com/mainstayhq/mainstay/core/file/fileweb"
	"github.com/mainstayhq/mainstay/core/search/searchweb"
	"github.com/mainstayhq/mainstay/practice/knowledge/knowledgeweb"
	"github.com/mainstayhq/mainstay/practice/rootcause/rootcauseweb"
)

// learningPages lists the pages of root causes and articles, and of the exhibits and the search that they stand on.
func (a *App) learningPages(n names) ([]pages, error) {
	causes, err := rootcauseweb.New(rootcauseweb.Config{
		RootCauses: a.RootCauses, Names: n, People: a.People, Projects: a.Projects.ProjectID, Time: a.cfg.Time,
	})
	if err != nil {
		return nil, err
	}
	articles, err := knowledgeweb.New(knowledgeweb.Config{
		Articles: a.Knowledge, Names: n, People: a.People, Projects: a.Projects, Finder: a.Search, Objects: finder{a}, Time: a.cfg.Time,
	})
	if err != nil {
		return nil, err
	}
	exhibits, err := fileweb.New(fileweb.Config{Files: a.Files, Objects: finder{a}, Names: n})
	if err != nil {
		return nil, err
	}
	found, err := searchweb.New(searchweb.Config{Search: a.Search, Project: a.Projects.ProjectID})
	if err != nil {
		return nil, err
	}
	return []pages{causes, articles, exhibits, found}, nil
}
