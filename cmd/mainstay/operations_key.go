package main

import (
	"context"
	"fmt"

	"github.com/mainstayhq/mainstay/app"
)

type secretKeyCmd struct {
	Rotate secretKeyRotateCmd `cmd:"" help:"Replace the key, and seal every secret anew. The server must be stopped."`
}

type secretKeyRotateCmd struct {
	database
	Leaked bool `help:"The key is known to others: links that were sent, recovery codes, devices of web push and the signature of the status page end with it."`
}

// Help shows its use.
func (secretKeyRotateCmd) Help() string {
	return `Examples:

    systemctl stop mainstay
    mainstay secret-key rotate --data /var/lib/mainstay
    systemctl start mainstay

Secrets in backups that were made before are opened with the key of then. After a restore of one of them, add the line
"old KEY" with that key to the key file.`
}

// Run replaces the key.
func (c *secretKeyRotateCmd) Run(ctx context.Context) error {
	cfg, err := c.quiet()
	if err != nil {
		return err
	}
	out, err := app.RotateKey(ctx, cfg, c.Leaked)
	if err != nil {
		return err
	}
	fmt.Printf("%s holds a new key, and %d secrets were sealed anew with it. Keep a copy of it apart from the backups.\n", cfg.SecretKeyFile, out.Secrets)
	fmt.Printf("The key of before is in %s. Destroy it once no backup that was made with it is kept.\n", out.Before)
	if c.Leaked {
		fmt.Println("Links in messages that were sent are void. Recovery codes are void: everybody makes new ones under My security. Devices that get pages by push must be added again. Servers of the status page need the new public key (status/status.pub).")
	}
	for _, table := range out.Lost {
		fmt.Printf("In the table %s there is a secret that the key did not open; it stays as it was.\n", table)
	}
	return nil
}
