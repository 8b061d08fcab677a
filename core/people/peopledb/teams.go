package peopledb

import (
	"context"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/storage"
)

const selectTeam = `SELECT id, name, title, created_at, version FROM team`

func scanTeam(s storage.Scanner) (people.Team, error) {
	var t people.Team
	err := s(&t.ID, &t.Name, &t.Title, storage.Into(&t.CreatedAt), &t.Version)
	return t, err
}

// Teams lists by handle, with members; see people.Store.
func (s *Store) Teams(ctx context.Context, q people.TeamQuery) ([]people.Team, error) {
	var w where
	if q.ID != "" {
		w.add("id = %", q.ID)
	}
	if q.Name != "" {
		w.add("name = %", q.Name)
	}
	if q.Person != "" {
		w.add("id IN (SELECT team FROM team_member WHERE person = %)", q.Person)
	}
	if q.Search != "" {
		w.add(`search LIKE % ESCAPE '\'`, contains(q.Search))
	}
	if q.After != "" {
		w.add("name > %", q.After)
	}
	w.args = append(w.args, limit(q.Limit))
	list, err := storage.All(ctx, s.db, scanTeam, selectTeam+w.String()+` ORDER BY name LIMIT $`+strconv.Itoa(len(w.args)), w.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	return list, s.addMembers(ctx, list)
}

type memberRow struct {
	people.Member
	team string
}

func scanMember(s storage.Scanner) (memberRow, error) {
	var r memberRow
	var gone int64
	err := s(&r.team, &r.Person, &r.Name, &r.FullName, &r.Lead, &gone)
	r.Active = gone == 0
	return r, err
}

func (s *Store) addMembers(ctx context.Context, list []people.Team) error {
	at := make(map[string]*people.Team, len(list))
	ids := make([]string, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	rows, err := storage.All(ctx, s.db, scanMember, `SELECT m.team, p.id, p.name, p.full_name, m.is_lead, p.deactivated_at
		FROM team_member m JOIN person p ON p.id = m.person WHERE `+s.db.In("m.team", "$1")+` ORDER BY m.team, p.name`, storage.List(ids))
	for _, r := range rows {
		at[r.team].Members = append(at[r.team].Members, r.Member)
	}
	return err
}

// TeamsOf lists the ids of the teams of which the person is a member.
func (s *Store) TeamsOf(ctx context.Context, person string) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string], `SELECT team FROM team_member WHERE person = $1`, person)
}

// MembersOf lists the ids of the active members of the teams.
func (s *Store) MembersOf(ctx context.Context, teams []string) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string], `SELECT DISTINCT m.person FROM team_member m JOIN person p ON p.id = m.person
		WHERE p.deactivated_at = 0 AND `+s.db.In("m.team", "$1"), storage.List(teams))
}

// ActiveOf are those of the persons who are not deactivated.
func (s *Store) ActiveOf(ctx context.Context, persons []string) ([]string, error) {
	return storage.All(ctx, s.db, storage.Value[string],
		`SELECT id FROM person WHERE deactivated_at = 0 AND `+s.db.In("id", "$1")+` ORDER BY id`, storage.List(persons))
}

// SaveTeam loads, changes and writes a team; see people.Store.
func (s *Store) SaveTeam(ctx context.Context, id string, f func(*people.Team) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		var t people.Team
		if id != "" {
			list, err := storage.All(ctx, s.db, scanTeam, selectTeam+` WHERE id = $1`+s.db.Locking(), id)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return mainstay.Errorf(mainstay.NotFound, "There is no such team.")
			}
			if err := s.addMembers(ctx, list); err != nil {
				return err
			}
			t = list[0]
		}
		if err := storage.Holds(ctx, t.ID, t.Version); err != nil {
			return err
		}
		set, err := f(&t)
		if err != nil || set.IsZero() {
			return err
		}
		if err := s.writeTeam(ctx, t); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

func (s *Store) writeTeam(ctx context.Context, t people.Team) error {
	other, err := storage.All(ctx, s.db, storage.Value[string], `SELECT id FROM team WHERE name = $1 AND id <> $2`, t.Name, t.ID)
	if err != nil {
		return err
	}
	if len(other) > 0 {
		return mainstay.Faults{"name": "There is a team of this name already."}.Err()
	}
	n, err := s.db.Exec(ctx, `INSERT INTO team (id, name, title, search, created_at, version) VALUES ($1, $2, $3, $4, $5, $6 + 1)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, title = excluded.title, search = excluded.search, version = excluded.version
		WHERE team.version = excluded.version - 1`,
		t.ID, t.Name, t.Title, strings.ToLower(t.Name+" "+t.Title), storage.Micros(t.CreatedAt), t.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return mainstay.Errorf(mainstay.Conflict, "Somebody else changed this team at the same moment. Look again, then repeat your change.")
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM team_member WHERE team = $1`, t.ID); err != nil {
		return err
	}
	for _, m := range t.Members {
		if _, err := s.db.Exec(ctx, `INSERT INTO team_member (team, person, is_lead) VALUES ($1, $2, $3)`, t.ID, m.Person, m.Lead); err != nil {
			return err
		}
	}
	return nil
}
