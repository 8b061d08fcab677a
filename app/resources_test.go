package app_test

import (
	"fmt"
	"testing"

	"github.com/mainstayhq/mainstay/mainstaytest/servertest"
	"github.com/mainstayhq/mainstay/web"
)

// resources are the lists of the API, and by what each object of them is read; "" where only the list exists.
var resources = map[string]string{
	"projects": "name", "services": "id", "alerts": "number", "pages": "number", "incidents": "number", "actions": "number",
	"articles": "number", "facts": "sequence", "schedules": "id", "policies": "id", "plans": "id", "people": "name", "teams": "name",
	"components": "id", "windows": "number", "posts": "id", "rootcauses": "number", "keys": "", "tokens": "id", "notifications": "id",
	"heartbeats": "",
}

// TestEveryResourceIsListedAndRead reads the list of each resource in pages of one, and each object of it.
func TestEveryResourceIsListedAndRead(t *testing.T) {
	t.Parallel()
	servertest.Databases(t, func(t *testing.T, s *servertest.Server) {
		w := openHarbour(t, s)
		reader := w.With(w.Token(t, "administrator", ""))
		for resource, key := range resources {
			path, in := "/api/v1/"+resource, ""
			if resource == "facts" {
				in = "&project=shop"
			}
			seen, cursor := map[string]bool{}, ""
			for range 100 {
				var list web.List[map[string]any]
				reader.Get(t, path+"?limit=1"+in+"&cursor="+cursor).JSON(t, &list)
				for _, item := range list.Items {
					if key == "" {
						continue
					}
					id := fmt.Sprint(item[key])
					if item[key] == nil || seen[id] {
						t.Errorf("%s: %s %s is there twice, or has none", path, key, id)
					}
					seen[id] = true
					var one map[string]any
					reader.Get(t, path+"/"+id+"?x="+in).JSON(t, &one)
					if fmt.Sprint(one[key]) != id {
						t.Errorf("%s/%s gives %s %v", path, id, key, one[key])
					}
				}
				if cursor = list.Next; cursor == "" {
					break
				}
			}
			if len(seen) == 0 && key != "" {
				t.Errorf("%s lists nothing", path)
			}
		}
	})
}
