// Package peopledb keeps persons, their contacts, teams and their members in the database. It decides nothing.
package peopledb

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"strconv"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/people"
	"github.com/mainstayhq/mainstay/storage"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of persons and teams.
func Migrations() storage.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return storage.Migrations{Owner: "people", Files: sub}
}

// Saver writes a set in the transaction that ctx carries; commitdb.Saver does.
type Saver interface {
	Save(ctx context.Context, set commit.Set) error
}

// Store implements people.Store.
type Store struct {
	db    *storage.DB
	saver Saver
}

// New makes the store.
func New(db *storage.DB, saver Saver) *Store { return &Store{db, saver} }

var _ people.Store = (*Store)(nil)

// In runs f in one write transaction.
func (s *Store) In(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Write(ctx, storage.Normal, f)
}

// Save writes a set in the transaction that ctx carries.
func (s *Store) Save(ctx context.Context, set commit.Set) error { return s.saver.Save(ctx, set) }

// where gathers the conditions of a list and their parameters.
type where struct {
	conds []string
	args  []any
}

// add appends a condition in which % stands for the parameter.
func (w *where) add(cond string, arg any) {
	w.args = append(w.args, arg)
	w.conds = append(w.conds, strings.ReplaceAll(cond, "%", "$"+strconv.Itoa(len(w.args))))
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

var like = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func contains(text string) string {
	return "%" + like.Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
}

func limit(n int) int {
	if n <= 0 {
		return 100
	}
	return n
}

// Persons lists by handle, with contacts; see people.Store.
func (s *Store) Persons(ctx context.Context, q people.Query) ([]people.Person, error) {
	var w where
	if q.IDs != nil {
		if len(q.IDs) == 1 {
			w.add("id = %", q.IDs[0])
		} else {
			w.args = append(w.args, storage.List(q.IDs))
			w.conds = append(w.conds, s.db.In("id", "$1"))
		}
	}
	if q.Name != "" {
		w.add("name = %", q.Name)
	}
	if q.Email != "" {
		w.add("email_key = %", people.EmailKey(q.Email))
	}
	if q.Search != "" {
		w.add(`search LIKE % ESCAPE '\'`, contains(q.Search))
	}
	if q.Team != "" {
		w.add("id IN (SELECT person FROM team_member WHERE team = %)", q.Team)
	}
	if q.After != "" {
		w.add("name > %", q.After)
	}
	if !q.Deactivated && q.IDs == nil && q.Name == "" && q.Email == "" {
		w.conds = append(w.conds, "deactivated_at = 0")
	}
	w.args = append(w.args, limit(q.Limit))
	list, err := storage.All(ctx, s.db, scanPerson, selectPerson+w.String()+` ORDER BY name LIMIT $`+strconv.Itoa(len(w.args)), w.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	return list, s.addContacts(ctx, list)
}

const selectPerson = `SELECT id, name, full_name, email, zone, language, preferences, created_at, deactivated_at, erased_at, version FROM person`

func scanPerson(s storage.Scanner) (people.Person, error) {
	var p people.Person
	var chosen string
	err := s(&p.ID, &p.Name, &p.FullName, &p.Email, &p.Zone, &p.Language, &chosen, storage.Into(&p.CreatedAt), storage.Into(&p.DeactivatedAt),
		storage.Into(&p.ErasedAt), &p.Version)
	if err == nil && chosen != "" {
		err = json.Unmarshal([]byte(chosen), &p.Preferences)
	}
	return p, err
}

type contactRow struct {
	people.Contact
	person string
}

func scanContact(s storage.Scanner) (contactRow, error) {
	var r contactRow
	c := &r.Contact
	err := s(&r.person, &c.ID, &c.Channel, &c.Address, &c.ForPages, &c.Sealed, storage.Into(&c.VerifiedAt), &c.VerifiedBy)
	return r, err
}

func (s *Store) addContacts(ctx context.Context, list []people.Person) error {
	at := make(map[string]*people.Person, len(list))
	ids := make([]string, len(list))
	for i := range list {
		at[list[i].ID], ids[i] = &list[i], list[i].ID
	}
	cond, arg := "person = $1", ids[0]
	if len(ids) > 1 {
		cond, arg = s.db.In("person", "$1"), storage.List(ids)
	}
	rows, err := storage.All(ctx, s.db, scanContact, `SELECT person, id, channel, address, for_pages, sealed, verified_at, verified_by
		FROM contact WHERE `+cond+` ORDER BY person, position`, arg)
	for _, r := range rows {
		at[r.person].Contacts = append(at[r.person].Contacts, r.Contact)
	}
	return err
}

// SavePerson loads, changes and writes a person; see people.Store.
func (s *Store) SavePerson(ctx context.Context, id string, f func(*people.Person) (commit.Set, error)) error {
	return s.db.Write(ctx, storage.Normal, func(ctx context.Context) error {
		var p people.Person
		if id != "" {
			list, err := storage.All(ctx, s.db, scanPerson, selectPerson+` WHERE id = $1`+s.db.Locking(), id)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return mainstay.Errorf(mainstay.NotFound, "There is no such person.")
			}
			if err := s.addContacts(ctx, list); err != nil {
				return err
			}
			p = list[0]
		}
		if err := storage.Holds(ctx, p.ID, p.Version); err != nil {
			return err
		}
		set, err := f(&p)
		if err != nil || set.IsZero() {
			return err
		}
		if err := s.free(ctx, p); err != nil {
			return err
		}
		if err := s.write(ctx, p); err != nil {
			return err
		}
		return s.saver.Save(ctx, set)
	})
}

// free checks that nobody else has the handle or the address. The unique indexes stand behind it, for two at the same moment.
func (s *Store) free(ctx context.Context, p people.Person) error {
	other, err := storage.All(ctx, s.db, scanPerson, selectPerson+` WHERE (name = $1 OR email_key = $2) AND id <> $3 LIMIT 2`,
		p.Name, people.EmailKey(p.Email), p.ID)
	var f mainstay.Faults
	for _, o := range other {
		if o.Name == p.Name {
			f.Add("name", "Somebody has the name %q already.", p.Name)
		} else {
			f.Add("email", "%s has this address already.", o.Name)
		}
	}
	if err != nil {
		return err
	}
	return f.Err()
}

func (s *Store) write(ctx context.Context, p people.Person) error {
	var key any
	if p.Email != "" {
		key = people.EmailKey(p.Email)
	}
	chosen := ""
	if !p.Preferences.IsZero() {
		b, err := json.Marshal(p.Preferences)
		if err != nil {
			return err
		}
		chosen = string(b)
	}
	n, err := s.db.Exec(ctx, `INSERT INTO person (id, name, full_name, email, email_key, zone, language, search, created_at, deactivated_at, preferences, erased_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 + 1)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, full_name = excluded.full_name, email = excluded.email,
			email_key = excluded.email_key, zone = excluded.zone, language = excluded.language, search = excluded.search,
			deactivated_at = excluded.deactivated_at, preferences = excluded.preferences, erased_at = excluded.erased_at, version = excluded.version
		WHERE person.version = excluded.version - 1`,
		p.ID, p.Name, p.FullName, p.Email, key, p.Zone, p.Language, strings.ToLower(p.Name+" "+p.FullName+" "+p.Email),
		storage.Micros(p.CreatedAt), storage.Micros(p.DeactivatedAt), chosen, storage.Micros(p.ErasedAt), p.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return mainstay.Errorf(mainstay.Conflict, "Somebody else changed this person at the same moment. Look again, then repeat your change.")
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM contact WHERE person = $1`, p.ID); err != nil {
		return err
	}
	for i, c := range p.Contacts {
		if _, err := s.db.Exec(ctx, `INSERT INTO contact (id, person, position, channel, address, for_pages, sealed, verified_at, verified_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.ID, p.ID, i, string(c.Channel), c.Address, c.ForPages,
			c.Sealed, storage.Micros(c.VerifiedAt), c.VerifiedBy); err != nil {
			return err
		}
	}
	return nil
}
