package searchdb_test

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/search"
)

// cranfield reads the collection: documents, queries by position, and judgements. The data is not ours to keep; the test is skipped
// where it is missing.
func cranfield(t *testing.T) (docs []commit.Object, queries []string, judged map[int]map[string]float64) {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "cranfield")
	raw, err := os.ReadFile(filepath.Join(dir, "cran.all.1400.xml"))
	if err != nil {
		t.Skip("needs the Cranfield collection at ../shared/data: ", err)
	}
	var all struct {
		Docs []struct {
			No    string `xml:"docno"`
			Title string `xml:"title"`
			Text  string `xml:"text"`
		} `xml:"doc"`
	}
	if err := xml.Unmarshal(append(append([]byte("<all>"), regexp.MustCompile(`<\?xml[^>]*>|</?xml>`).ReplaceAll(raw, nil)...), "</all>"...), &all); err != nil {
		t.Fatal(err)
	}
	for i, d := range all.Docs {
		o := obj(mainstay.KindArticle, int64(i+1), "shop", strings.TrimSpace(d.Title), strings.TrimSpace(strings.TrimPrefix(d.Text, d.Title)))
		o.Ref.ID = strings.TrimSpace(d.No)
		docs = append(docs, o)
	}
	text, err := os.ReadFile(filepath.Join(dir, "cran.qry.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?s)<title>(.*?)</title>`).FindAllSubmatch(text, -1) {
		queries = append(queries, strings.TrimSpace(string(m[1])))
	}
	f, err := os.Open(filepath.Join(dir, "cranqrel.trec.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // read only
	judged = map[int]map[string]float64{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var q int
		var doc, zero string
		var gain float64
		if _, err := fmt.Sscan(s.Text(), &q, &zero, &doc, &gain); err != nil {
			t.Fatal(err)
		}
		if judged[q] == nil {
			judged[q] = map[string]float64{}
		}
		judged[q][doc] = max(judged[q][doc], gain)
	}
	return docs, queries, judged
}

// ndcg is the normalised discounted cumulative gain of the first ten.
func ndcg(found []string, gains map[string]float64) float64 {
	sum := func(list []float64) (dcg float64) {
		for i, g := range list[:min(10, len(list))] {
			dcg += g / math.Log2(float64(i)+2)
		}
		return dcg
	}
	var got, ideal []float64
	for _, id := range found {
		got = append(got, gains[id])
	}
	for _, g := range gains {
		ideal = append(ideal, g)
	}
	slices.SortFunc(ideal, func(a, b float64) int { return cmp.Compare(b, a) })
	if best := sum(ideal); best > 0 {
		return sum(got) / best
	}
	return 0
}

// The ranking holds on a collection with known answers.
func TestCranfield(t *testing.T) {
	t.Parallel()
	docs, queries, judged := cranfield(t)
	setup(t, func(t *testing.T, w world) {
		for chunk := range slices.Chunk(docs, 100) {
			w.put(t, chunk...)
		}
		total, n := 0.0, 0
		for q, gains := range judged {
			hits, err := w.Find(t.Context(), admin, search.Query{Text: queries[q-1], Any: true, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, h := range hits {
				ids = append(ids, h.Ref.ID)
			}
			total += ndcg(ids, gains)
			n++
		}
		score := total / float64(n)
		t.Logf("%s: nDCG@10 %.3f over %d queries", w.env.Engine, score, n)
		if score < 0.386 {
			t.Errorf("the ranking has become worse")
		}
	})
}
