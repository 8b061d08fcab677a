package main

import "github.com/alecthomas/kong"

// examples are shown by --help and in the manual pages, by command. Those that a command tells itself (Help) go before.
var examples = map[string]string{
	"serve": `Examples:

    mainstay serve
    mainstay serve --data /var/lib/mainstay --listen 0.0.0.0:8080 --external-url https://support.example.org
    mainstay serve --database-url postgres://mainstay@db.example.org/mainstay --secret-key-file /etc/mainstay/secret.key
    mainstay serve --smtp-url smtp://mainstay:secret@mail.example.org:587 --mail-from support@example.org
    mainstay --config /etc/mainstay/mainstay.yaml serve`,
	"demo": `Examples:

    mainstay demo
    mainstay demo --listen 127.0.0.1:9090 --keep ./harbour`,
	"setup": `It works beside a running server, and changes nothing when there is an administrator already.

    printf '%s\n' 'a long password' > admin.password && chmod 600 admin.password
    mainstay setup --admin you@example.org --password-file admin.password`,
	"token create": `It prints the token alone, one line, this once.

    TOKEN=$(mainstay token create --name ci --role responder --project shop)
    curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/alerts
    mainstay token create --name backup --role administrator --server https://support.example.org --token "$TOKEN"`,
	"key create": `It prints the key alone, one line, this once. Senders post to /in/KEY/FORMAT and then their own path.

    KEY=$(mainstay key create --project shop --format alertmanager)
    curl -d 'summary=Disk full&severity=sev-2' http://127.0.0.1:8080/in/$(mainstay key create --project shop --format generic)/generic`,
	"apply": `All of it or, with any fault, nothing; faults are told with file, line and column, all at once. What is so already is left alone.

    mainstay apply -f shop.yaml --dry-run
    mainstay apply -f shop/ --prune
    mainstay apply -f shop/ --server https://support.example.org --token "$TOKEN"
    mainstay apply -f shop/ --dry-run --detailed-exitcode -o json > changes.json

With --detailed-exitcode: 0 nothing to change, 1 a fault, 2 something changed or would.`,
	"export": `What it writes changes nothing when it is applied. Secrets are not in it; apply keeps those that are there.

    mainstay export > mainstay.yaml
    mainstay export --project shop --schema https://support.example.org/schemas/mainstay-v1.json`,
	"schema": `Editors with a YAML language server complete and check manifests by it.

    mainstay schema > mainstay-v1.json
    printf '# yaml-language-server: $schema=mainstay-v1.json\n' | cat - shop.yaml`,
	"status": `It needs no database, and goes on when the server is gone.

    mainstay status --snapshot /var/lib/mainstay/status --listen 0.0.0.0:8081`,
	"journal verify": `Exit code 3 says that a chain is not whole.

    mainstay journal verify
    mainstay journal verify --data /var/lib/mainstay -o json`,
	"backup": `Examples:

    mainstay backup /backups/mainstay-$(date +%F).backup
    mainstay backup --verify /backups/mainstay-2026-03-17.backup`,
	"restore": `Into an empty installation only; put the old secret key there first.

    mainstay restore mainstay.backup --data ./mainstay-data
    mainstay restore mainstay.backup --database-url postgres://mainstay@db/mainstay --secret-key-file secret.key`,
	"migrate": `The old installation stays as it is. Stop its server first.

    mainstay migrate --from ./mainstay-data --to postgres://mainstay@db.example.org/mainstay`,
	"doctor": `Exit code 1 says that something is wrong.

    mainstay doctor
    mainstay doctor -o json`,
	"version": `    mainstay version`,
}

// teach gives each command its examples.
func teach(k *kong.Kong) {
	for _, n := range k.Model.Leaves(false) {
		if n.Detail == "" {
			n.Detail = examples[n.Path()]
		}
	}
}
