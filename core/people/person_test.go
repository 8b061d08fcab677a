package people

import (
	"strings"
	"testing"

	"github.com/mainstayhq/mainstay"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	ana := func(f func(p *Person)) Person {
		p := Person{Name: "ana", FullName: "Ana Ruiz", Email: "ana@example.com", Zone: "Europe/Lisbon", Language: "en"}
		f(&p)
		return p
	}
	for name, c := range map[string]struct {
		p     Person
		field string // at fault; "" for none
	}{
		"as it should be":        {ana(func(*Person) {}), ""},
		"without address":        {ana(func(p *Person) { p.Email = "" }), ""},
		"Brazilian":              {ana(func(p *Person) { p.Language = "pt-BR" }), ""},
		"webhook":                {ana(func(p *Person) { p.Contacts = []Contact{{Channel: Webhook, Address: "https://x.example/h?a=1"}} }), ""},
		"no name":                {ana(func(p *Person) { p.Name = "" }), "name"},
		"name with capitals":     {ana(func(p *Person) { p.Name = "Ana" }), "name"},
		"name is a path":         {ana(func(p *Person) { p.Name = "../x" }), "name"},
		"name is a word":         {ana(func(p *Person) { p.Name = "new" }), "name"},
		"name too long":          {ana(func(p *Person) { p.Name = strings.Repeat("a", 64) }), "name"},
		"no full name":           {ana(func(p *Person) { p.FullName = "" }), "fullName"},
		"name with a line break": {ana(func(p *Person) { p.FullName = "Ana\nBcc: x" }), "fullName"},
		"name not UTF-8":         {ana(func(p *Person) { p.FullName = "Ana\xff" }), "fullName"},
		"address with a name":    {ana(func(p *Person) { p.Email = "Ana <ana@example.com>" }), "email"},
		"address with a break":   {ana(func(p *Person) { p.Email = "ana@example.com\r\nX: y" }), "email"},
		"zone of the machine":    {ana(func(p *Person) { p.Zone = "Local" }), "zone"},
		"zone on the moon":       {ana(func(p *Person) { p.Zone = "Moon/Base" }), "zone"},
		"language is a sentence": {ana(func(p *Person) { p.Language = "English" }), "language"},
		"fax":                    {ana(func(p *Person) { p.Contacts = []Contact{{Channel: "fax", Address: "1"}} }), "contacts"},
		"webhook to a file":      {ana(func(p *Person) { p.Contacts = []Contact{{Channel: Webhook, Address: "file:///etc/passwd"}} }), "contacts"},
		"webhook with password":  {ana(func(p *Person) { p.Contacts = []Contact{{Channel: Webhook, Address: "https://a:b@x.example/"}} }), "contacts"},
		"twice the same contact": {ana(func(p *Person) {
			p.Contacts = []Contact{{Channel: Email, Address: "a@b.c"}, {Channel: Email, Address: "a@b.c"}}
		}), "contacts"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.p.Validate()
			switch fields := mainstay.ErrorFields(err); {
			case c.field == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.field != "" && (len(fields) != 1 || fields[c.field] == ""):
				t.Errorf("faults %v, want one of %q", fields, c.field)
			}
		})
	}
}

func FuzzValidEmail(f *testing.F) {
	for _, s := range []string{"ana@example.com", "a@b", "\"a b\"@c.d", "ana@[127.0.0.1]", "a@b.c\r\nBcc: x@y.z", "ü@ü.de", "@", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ValidEmail(s) && (strings.ContainsAny(s, "\r\n<> ") || strings.Count(s, "@") == 0 || len(s) > 254) {
			t.Errorf("%q is taken for an address", s)
		}
	})
}
