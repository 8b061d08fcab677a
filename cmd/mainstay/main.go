// Command mainstay is the server and everything an operator does with it. It holds flags and configuration, nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/app"
)

var version = "dev" // set by the linker

// description stands above the list of commands. What is indented keeps its lines.
const description = `Mainstay runs the support of a product after its launch. Try it:

    mainstay demo

Run it; the data goes to ./mainstay-data, the pages are at http://127.0.0.1:8080. Then make the first administrator:

    mainstay serve
    mainstay setup --admin you@example.org --password-file FILE

Describe what you run, and let a Prometheus in; it sends its alerts to http://HOST:8080/in/KEY/alertmanager:

    mainstay apply -f shop.yaml
    mainstay key create --project shop --format alertmanager

Keep a copy, and see whether all is well:

    mainstay backup mainstay.backup
    mainstay doctor

Every flag is also read from the environment (MAINSTAY_LISTEN for --listen) and from the file of --config (listen: …).

    Exit codes: 0 done, 1 failed or something is wrong, 2 wrong use or bad input, 3 the journal is not whole`

// database are the flags of every command that opens the database.
type database struct {
	Data          string `help:"Folder of the embedded database and all files; ./mainstay-data unless you say another." default:"./mainstay-data" placeholder:"DIR"`
	DatabaseURL   string `help:"PostgreSQL instead of the embedded database (postgres://user@host/name)." placeholder:"URL"`
	SecretKeyFile string `help:"Key that seals secrets; made beside the data when absent, required with --database-url." placeholder:"FILE"`
	LogLevel      string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	LogFormat     string `help:"text or json." enum:"text,json" default:"text"`
}

func (d database) log() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(d.LogLevel)) // kong has checked it
	o := &slog.HandlerOptions{Level: level}
	if d.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

func (d database) config() (app.Config, error) {
	if d.DatabaseURL != "" && d.SecretKeyFile == "" {
		return app.Config{}, usage("--database-url needs --secret-key-file: the key must not live beside the database")
	}
	key := d.SecretKeyFile
	if key == "" {
		key = filepath.Join(d.Data, "secret.key")
	}
	return app.Config{Data: d.Data, DatabaseURL: d.DatabaseURL, SecretKeyFile: key, Log: d.log(), Version: version}, nil
}

// open opens the database for a command that is not the server.
func (d database) open(ctx context.Context) (*app.App, error) {
	cfg, err := d.config()
	if err != nil {
		return nil, err
	}
	cfg.Announce = true
	if d.LogLevel == "info" {
		cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return app.Open(ctx, cfg)
}

type serveCmd struct {
	database
	Listen         string   `help:"Address of the pages, the API and the intake; 127.0.0.1:8080 unless you say another." default:"127.0.0.1:8080" placeholder:"ADDR"`
	StatusListen   string   `help:"Address of the public status page, \"off\" for none; 127.0.0.1:8081 unless you say another." default:"127.0.0.1:8081" placeholder:"ADDR"`
	ExternalURL    string   `name:"external-url" help:"Where people reach the server: links in mails, Secure cookies." placeholder:"URL"`
	StatusURL      string   `name:"status-url" help:"Where users reach the status page." placeholder:"URL"`
	TLSCert        string   `name:"tls-cert" help:"Certificate chain (PEM)." type:"path" placeholder:"FILE"`
	TLSKey         string   `name:"tls-key" help:"Private key (PEM)." type:"path" placeholder:"FILE"`
	TrustedProxies []string `help:"Proxies whose X-Forwarded-For counts." placeholder:"CIDR"`
	SMTPURL        string   `name:"smtp-url" help:"Mail server: smtp://user:pass@host:587 or smtps://…; ?starttls=require|opportunistic|none&ca=FILE." placeholder:"URL"`
	MailFrom       string   `help:"Sender of all mail." default:"mainstay@localhost" placeholder:"ADDRESS"`
	BackupDir      string   `name:"backup-dir" help:"Folder of the backups that the server makes by itself, best on another disk; backups in the data folder unless you say another, \"off\" for none." placeholder:"DIR"`
	APIRate        float64  `name:"api-rate" help:"Requests a second to the API of one token or person, for long; twice as many at once, four times as many from one address. 0 sets no limit." default:"100" placeholder:"N"`
	AllowTargets   []string `help:"Networks that outgoing webhooks may reach although they are private or loopback." placeholder:"CIDR"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	cfg, err := c.serveConfig()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer closeApp(a)
	if err := a.Start(ctx); err != nil {
		return err
	}
	if a.SetupLink != "" {
		fmt.Fprintf(os.Stderr, "\nNobody is administrator yet. Open this link within a day to become the first:\n\n  %s\n\n", a.SetupLink)
	}
	return waitAndStop(ctx, a)
}

func waitAndStop(ctx context.Context, a *app.App) error {
	if err := tellSystemd("READY=1"); err != nil {
		fmt.Fprintln(os.Stderr, "mainstay: telling the service manager:", err)
	}
	watching, unwatch := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); watchdog(watching, a) }()
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	go reloadOn(ctx, hangUp, a)
	failed := a.Wait(ctx)
	signal.Stop(hangUp)
	unwatch()
	<-watched
	_ = tellSystemd("STOPPING=1") // it sees the end anyway
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(failed, a.Stop(stop))
}

// reloadOn reads the certificate again with each signal, until ctx ends.
func reloadOn(ctx context.Context, hangUp <-chan os.Signal, a *app.App) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUp:
			if err := a.Reload(); err != nil {
				fmt.Fprintln(os.Stderr, "mainstay:", explain(err))
			} else {
				fmt.Fprintln(os.Stderr, "mainstay: read the certificate again")
			}
		}
	}
}

func closeApp(a *app.App) {
	if err := a.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "mainstay: closing:", err)
	}
}

func (c *serveCmd) serveConfig() (app.Config, error) {
	cfg, err := c.config()
	if err != nil {
		return cfg, err
	}
	cfg.Listen, cfg.StatusListen = c.Listen, c.StatusListen
	cfg.TLSCert, cfg.TLSKey, cfg.SMTPURL, cfg.MailFrom = c.TLSCert, c.TLSKey, c.SMTPURL, c.MailFrom
	if cfg.ExternalURL, err = parseURL("external-url", c.ExternalURL); err != nil {
		return cfg, err
	}
	if cfg.StatusURL, err = parseURL("status-url", c.StatusURL); err != nil {
		return cfg, err
	}
	if cfg.TrustedProxies, err = parseNetworks("trusted-proxies", c.TrustedProxies); err != nil {
		return cfg, err
	}
	cfg.BackupDir = c.backupDir()
	cfg.Rate.PerSecond = c.APIRate
	if c.APIRate <= 0 {
		cfg.Rate.PerSecond = -1
	}
	cfg.AllowTargets, err = parseNetworks("allow-targets", c.AllowTargets)
	return cfg, err
}

// backupDir is the folder of backups, "" for none.
func (c *serveCmd) backupDir() string {
	switch c.BackupDir {
	case "":
		return filepath.Join(c.Data, "backups")
	case "off":
		return ""
	}
	return c.BackupDir
}

func parseURL(flag, s string) (*url.URL, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no address is a valid choice
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage("--%s must be such as https://support.example.org, not %q", flag, s)
	}
	return u, nil
}

func parseNetworks(flag string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, e := netip.ParseAddr(s); e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, usage("--%s: %q is no network such as 10.0.0.0/8", flag, s)
		}
		out = append(out, p)
	}
	return out, nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("mainstay", version)
	return nil
}

type cli struct {
	Config  kong.ConfigFlag `help:"Configuration file (YAML): flag names as keys." placeholder:"FILE"`
	Serve   serveCmd        `cmd:"" help:"Run the server."`
	Demo    demoCmd         `cmd:"" help:"A running product at once: a simulated shop with a month of history and live faults, and a year of a second project, in a temporary folder."`
	Setup   setupCmd        `cmd:"" help:"Make the first administrator, unattended."`
	Token   tokenCmd        `cmd:"" help:"API tokens."`
	Key     keyCmd          `cmd:"" help:"Intake keys."`
	Apply   applyCmd        `cmd:"" help:"Bring everything that manifests describe to what they say."`
	Export  exportCmd       `cmd:"" help:"Write everything configurable back as manifests."`
	Schema  schemaCmd       `cmd:"" help:"Print the JSON Schema of manifests, for editors."`
	Status  statusCmd       `cmd:"" help:"Serve the public status page alone, from a folder that a server has written."`
	Journal journalCmd      `cmd:"" help:"The record of everything that happened."`
	Backup  backupCmd       `cmd:"" help:"Write everything but the secret key into one file, also while the server runs; or verify such a file."`
	Restore restoreCmd      `cmd:"" help:"Fill an empty installation, on SQLite or PostgreSQL, from a backup."`
	Migrate migrateCmd      `cmd:"" help:"Move an installation between SQLite and PostgreSQL."`
	Doctor  doctorCmd       `cmd:"" help:"Look for what is wrong, and say what to do."`
	Secret  secretKeyCmd    `cmd:"" name:"secret-key" help:"The key that seals secrets."`
	Version versionCmd      `cmd:"" help:"Print the version."`

	Completion completionCmd `cmd:"" help:"Completion of the command line for bash, zsh or fish."`
	Complete   completeCmd   `cmd:"" hidden:""`
	Healthy    healthyCmd    `cmd:"" help:"Ask whether the server on this machine answers."`
	Man        manCmd        `cmd:"" help:"Write the manual pages into a folder."`
}

// usageError is wrong use: exit code 2.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() { os.Exit(run(os.Args[1:])) }

func newParser(c *cli, more ...kong.Option) (*kong.Kong, error) {
	k, err := kong.New(c, append(more,
		kong.Name("mainstay"), kong.Description(description), kong.DefaultEnvars("MAINSTAY"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}), kong.Configuration(fileLoader))...)
	if err == nil {
		teach(k)
	}
	return k, err
}

func run(args []string) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	var c cli
	k, err := newParser(&c, kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		panic(err) // the command line itself is wrong: found by any test
	}
	parsed, err := k.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "mainstay: %v\nTry mainstay --help.\n", err)
		return 2
	}
	err = parsed.Run()
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errChanged):
		return 2
	case errors.Is(err, errNotWhole):
		fmt.Fprintln(os.Stderr, "mainstay:", err)
		return 3
	}
	fmt.Fprintln(os.Stderr, "mainstay:", explain(err))
	if !errors.As(err, new(failure)) && (errors.As(err, new(usageError)) || mainstay.Is(err, mainstay.Invalid)) {
		return 2
	}
	return 1
}

// explain shows the sentence for people where there is one, and the operator's chain otherwise.
func explain(err error) string {
	if mainstay.ErrorCode(err) != mainstay.Internal {
		return mainstay.ErrorMessage(err)
	}
	return err.Error()
}

func readPassword(file string) (string, error) {
	var b []byte
	var err error
	if file == "-" {
		b, err = io.ReadAll(io.LimitReader(os.Stdin, 4096))
	} else {
		b, err = os.ReadFile(file)
	}
	return strings.TrimRight(string(b), "\r\n"), err
}
