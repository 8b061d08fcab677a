package searchdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/search"
	"github.com/mainstayhq/mainstay/storage"
)

const columns = `o.kind, o.id, o.number, o.project, o.name, o.title, o.state, o.at, o.body`

func scan(s storage.Scanner) (search.Found, error) {
	var f search.Found
	err := s(&f.Ref.Kind, &f.Ref.ID, &f.Number, &f.Project, &f.Name, &f.Title, &f.State, storage.Into(&f.Updated), &f.Body, &f.Score)
	return f, err
}

// params collects the parameters of a statement.
type params []any

// add appends a parameter and returns its placeholder.
func (p *params) add(v any) string {
	*p = append(*p, v)
	return fmt.Sprintf("$%d", len(*p))
}

// Match implements search.Store.
func (s *Store) Match(ctx context.Context, m search.Match) ([]search.Found, error) {
	var p params
	var query string
	switch {
	case m.Exact():
		query = s.exact(&p, m)
	case len(m.Words) == 0:
		return nil, nil
	case s.db.SQLite():
		query = s.lite(&p, m)
	default:
		query = s.postgres(&p, m)
	}
	return storage.All(ctx, s.db, scan, query+` LIMIT `+p.add(m.Limit), p...)
}

func (s *Store) exact(p *params, m search.Match) string {
	query := `SELECT ` + columns + `, 1.0 FROM search_object o WHERE `
	switch {
	case m.ExactName != "":
		query += `o.name = ` + p.add(m.ExactName)
	case m.ExactKind != "":
		query += `o.number = ` + p.add(m.ExactNo) + ` AND o.number > 0 AND o.kind = ` + p.add(m.ExactKind)
	default:
		query += `o.number = ` + p.add(m.ExactNo) + ` AND o.number > 0`
	}
	return query + s.allowed(p, m) + ` ORDER BY o.at DESC, o.id`
}

// lite asks FTS5. Each word is letters and digits alone, in quotes, so nothing that was typed is syntax. A match in the title counts eight times one
// in the text.
func (s *Store) lite(p *params, m search.Match) string {
	quoted := make([]string, len(m.Words))
	for i, w := range m.Words {
		quoted[i] = `"` + w + `"`
	}
	if m.Prefix {
		last := len(quoted) - 1
		for _, w := range search.Begins(m.Words[last]) {
			quoted[last] += ` OR "` + w + `"*`
		}
		quoted[last] = `(` + quoted[last] + `)`
	}
	join := " AND "
	if m.Any {
		join = " OR "
	}
	// FTS5 ranks the best lowest.
	text := `SELECT rowid AS n, -bm25(search_text, 8.0, 4.0, 1.0) AS score FROM search_text WHERE search_text MATCH ` +
		p.add(strings.Join(quoted, join))
	return `SELECT ` + columns + `, f.score FROM (` + text + `) f JOIN search_object o ON o.n = f.n WHERE TRUE` +
		s.allowed(p, m) + ` ORDER BY f.score DESC, o.at DESC, o.id`
}

// candidates is how many matches PostgreSQL ranks exactly, at least; its own quick rank chooses them.
const candidates = 150

// postgres asks the tsvector. Each word is letters and digits alone, so nothing that was typed is syntax. Its own ranks know nothing
// of how rare a word is, so the best matches by that rank are ranked again as FTS5 does (BM25, k1 = 1.2, b = 0.75), with the same
// weights of title and name.
func (s *Store) postgres(p *params, m search.Match) string {
	parts := make([]string, len(m.Words))
	for i, w := range m.Words {
		parts[i] = `to_tsquery('english', ` + p.add(quote(w)) + `)`
		if m.Prefix && i == len(m.Words)-1 {
			for _, begin := range search.Begins(w) {
				parts[i] += ` || to_tsquery('english', ` + p.add(quote(begin)+`:*`) + `)`
			}
			parts[i] = `(` + parts[i] + `)`
		}
	}
	join := " && "
	if m.Any {
		join = " || "
	}
	return `WITH asked AS (SELECT ` + strings.Join(parts, join) + ` AS query),
	terms AS (SELECT lexeme FROM unnest(to_tsvector('english', ` + p.add(strings.Join(m.Words, " ")) + `))),
	total AS (SELECT CASE WHEN reltuples > 20000 THEN reltuples ELSE (SELECT count(*) FROM search_object) END AS n
		FROM pg_class WHERE oid = 'search_object'::regclass),
	rare AS (SELECT terms.lexeme, ln(1 + (total.n - d.n + 0.5) / (d.n + 0.5)) AS idf FROM terms, total, LATERAL (
		SELECT least(count(*), total.n) AS n FROM search_object o WHERE o.words @@ to_tsquery('simple', quote_literal(terms.lexeme))) d),
	hit AS MATERIALIZED (SELECT o.n, o.words, o.length, ts_rank('{0.12, 0.4, 0.6, 1.0}', o.words, asked.query, 1) AS quick
		FROM search_object o, asked WHERE o.words @@ asked.query` + s.allowed(p, m) +
		` ORDER BY quick DESC, o.n DESC LIMIT ` + fmt.Sprint(max(candidates, m.Limit)) + `),
	mean AS (SELECT greatest(avg(length), 1) AS length FROM hit),
	ranked AS (SELECT hit.n, sum(rare.idf * tf.n * 2.2 / (tf.n + 1.2 * (0.25 + 0.75 * hit.length / mean.length))) AS score
		FROM hit, mean, unnest(hit.words) AS u JOIN rare ON rare.lexeme = u.lexeme, LATERAL (
			SELECT sum(CASE w WHEN 'A' THEN 8 WHEN 'B' THEN 4 ELSE 1 END) AS n FROM unnest(u.weights) AS w) tf
		GROUP BY hit.n)
	SELECT ` + columns + `, CAST(coalesce(ranked.score, 0) + hit.quick / 1000 AS DOUBLE PRECISION) AS score
	FROM hit JOIN search_object o ON o.n = hit.n LEFT JOIN ranked ON ranked.n = hit.n ORDER BY score DESC, o.at DESC, o.id`
}

func quote(w string) string { return `'` + w + `'` }

// allowed is the condition that keeps everything away that the viewer may not read.
func (s *Store) allowed(p *params, m search.Match) string {
	var scopes []string
	for _, sc := range m.Scopes {
		scopes = append(scopes, `(`+s.db.In("o.kind", p.add(storage.List(kinds(sc.Kinds))))+s.projects(p, sc)+`)`)
	}
	if len(scopes) == 0 {
		return ` AND FALSE`
	}
	cond := ` AND (` + strings.Join(scopes, ` OR `) + `)`
	if !m.Private.All {
		cond += ` AND (NOT o.private OR ` + s.db.In("o.project", p.add(storage.List(m.Private.Projects))) +
			` OR ` + s.db.In("o.id", p.add(storage.List(m.Known))) + `)`
	}
	if m.OnlyIn != "" {
		cond += ` AND o.project = ` + p.add(m.OnlyIn)
	}
	return cond
}

func (s *Store) projects(p *params, sc search.Scope) string {
	if sc.All {
		return ""
	}
	return ` AND ` + s.db.In("o.project", p.add(storage.List(sc.Projects)))
}

func kinds(list []mainstay.Kind) []string {
	words := make([]string, len(list))
	for i, k := range list {
		words[i] = string(k)
	}
	return words
}
