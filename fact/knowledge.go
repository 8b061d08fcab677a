package fact

// ArticleWanted: a request: draft an article from the subject. Served by knowledge.
type ArticleWanted struct {
	Reason string `json:"reason,omitempty"`
}

// FactKind is "article.wanted".
func (ArticleWanted) FactKind() string { return "article.wanted" }

// Sentence says it after the actor's name.
func (ArticleWanted) Sentence() string { return "asked for an article" }

// ArticleDrafted: an article was begun, from an incident when the second subject is one.
type ArticleDrafted struct {
	Number int64  `json:"number,omitempty"`
	Title  string `json:"title,omitempty"`
}

// FactKind is "article.drafted".
func (ArticleDrafted) FactKind() string { return "article.drafted" }

// Sentence says it after the actor's name.
func (p ArticleDrafted) Sentence() string { return "drafted the article: " + p.Title }

// ArticleRevised: the article has a new revision.
type ArticleRevised struct {
	Number   int64  `json:"number,omitempty"`
	Title    string `json:"title,omitempty"`
	Revision int64  `json:"revision,omitempty"`
	Digest   string `json:"digest,omitempty"`
}

// FactKind is "article.revised".
func (ArticleRevised) FactKind() string { return "article.revised" }

// Sentence says it after the actor's name.
func (p ArticleRevised) Sentence() string { return "revised the article: " + p.Title }

// ArticlePublished: the article is shown.
type ArticlePublished struct {
	Number   int64  `json:"number,omitempty"`
	Title    string `json:"title,omitempty"`
	Revision int64  `json:"revision,omitempty"`
}

// FactKind is "article.published".
func (ArticlePublished) FactKind() string { return "article.published" }

// Sentence says it after the actor's name.
func (p ArticlePublished) Sentence() string { return "published the article: " + p.Title }

// ArticleRetired: the article is no longer shown.
type ArticleRetired struct {
	Number int64  `json:"number,omitempty"`
	Title  string `json:"title,omitempty"`
}

// FactKind is "article.retired".
func (ArticleRetired) FactKind() string { return "article.retired" }

// Sentence says it after the actor's name.
func (p ArticleRetired) Sentence() string { return "retired the article: " + p.Title }

// ArticleUsed: somebody worked by it; Outcome is solved, helped or failed.
type ArticleUsed struct {
	Number   int64  `json:"number,omitempty"`
	Revision int64  `json:"revision,omitempty"`
	Outcome  string `json:"outcome,omitempty"`
}

// FactKind is "article.used".
func (ArticleUsed) FactKind() string { return "article.used" }

// Sentence says it after the actor's name.
func (p ArticleUsed) Sentence() string { return "used the article: " + p.Outcome }

var knowledgeKinds = []Teller{
	ArticleWanted{},
	ArticleDrafted{},
	ArticleRevised{},
	ArticlePublished{},
	ArticleRetired{},
	ArticleUsed{},
}
