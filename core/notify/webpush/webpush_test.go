package webpush_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/notify/webpush"
	"github.com/mainstayhq/mainstay/core/outbound"
)

var noon = time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)

// browser is the receiving end: it has keys, and reads what only it can read.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key: k, auth: make([]byte, 16)}
	if _, err := rand.Read(b.auth); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b browser) device() webpush.Device {
	e := base64.RawURLEncoding
	return webpush.Device{P256dh: e.EncodeToString(b.key.PublicKey().Bytes()), Auth: e.EncodeToString(b.auth), Label: "Chrome on Linux"}
}

// read decrypts one record as RFC 8291 and RFC 8188 say.
func (b browser) read(t *testing.T, body []byte) []byte {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	salt, size, n := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	sender, record := body[21:21+n], body[21+n:]
	if int(size) < len(record) {
		t.Fatalf("a record of %d bytes, said to be %d", len(record), size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	check(err)
	shared, err := b.key.ECDH(public)
	check(err)
	prk, err := hkdf.Extract(sha256.New, shared, b.auth)
	check(err)
	ikm, err := hkdf.Expand(sha256.New, prk, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	check(err)
	prk, err = hkdf.Extract(sha256.New, ikm, salt)
	check(err)
	cek, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)
	check(err)
	nonce, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12)
	check(err)
	block, err := aes.NewCipher(cek)
	check(err)
	gcm, err := cipher.NewGCM(block)
	check(err)
	plain, err := gcm.Open(nil, nonce, record, nil)
	check(err)
	return plain[:strings.LastIndexByte(string(plain), 2)] // 2 ends the last record, zeros pad it
}

// vapid checks the signature of a request: who sent it, to whom, and until when it holds.
func vapid(t *testing.T, header, audience string, keys webpush.Keys) {
	t.Helper()
	e := base64.RawURLEncoding
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, k, _ := strings.Cut(rest, ", k=")
	if !ok || k != keys.Public {
		t.Fatalf("authorization %q", header)
	}
	parts := strings.Split(token, ".")
	claims, err := e.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Aud, Sub string
		Exp      int64
	}
	if err := json.Unmarshal(claims, &c); err != nil || c.Aud != audience || c.Sub != "mailto:ops@example.com" || time.Until(time.Unix(c.Exp, 0)) > 24*time.Hour {
		t.Errorf("claims %s, %v", claims, err)
	}
	signature, _ := e.DecodeString(parts[2])
	public, _ := e.DecodeString(k)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the signature does not hold")
	}
}

// service is a push service on the loopback.
type service struct {
	*httptest.Server
	status  int
	header  http.Header
	request *http.Request
	body    []byte
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{status: http.StatusCreated, header: http.Header{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.request = r
		s.body, _ = io.ReadAll(r.Body)
		for k, v := range s.header {
			w.Header()[k] = v
		}
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

type world struct {
	*service
	browser browser
	sender  *webpush.Sender
	keys    webpush.Keys
	gone    []string
}

func newWorld(t *testing.T, allow ...netip.Prefix) *world {
	t.Helper()
	w := &world{service: newService(t), browser: newBrowser(t)}
	var err error
	if w.keys, err = webpush.NewKeys([]byte("0123456789abcdef0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	w.sender, err = webpush.New(webpush.Config{
		Client: outbound.New(outbound.Config{Allow: allow}).Client(), Keys: w.keys, Time: mainstay.NewMoved(noon), Contact: "ops@example.com",
		Device: func(_ context.Context, person, address string) (webpush.Device, error) {
			if person != "ana" || address != w.URL+"/send/secret" {
				return webpush.Device{}, mainstay.Errorf(mainstay.NotFound, "no such device")
			}
			return w.browser.device(), nil
		},
		Gone: func(_ context.Context, person, address string) error {
			w.gone = append(w.gone, person+" "+address)
			return nil
		},
		Refused: func(err error) bool { return errors.Is(err, outbound.ErrRefused) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func message(w *world, template string, urgent bool, data any) notify.Message {
	b, _ := json.Marshal(data)
	content, err := notify.Render(template, b, "https://mainstay.example", "", noon)
	if err != nil {
		panic(err)
	}
	return notify.Message{
		ID: "d1", Person: "ana", Address: w.URL + "/send/secret", Subject: mainstay.Ref{Kind: mainstay.KindPage, ID: "p1"}, Template: template, Urgent: urgent,
		Data: b, Content: content, External: "https://mainstay.example", Now: noon,
	}
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

func TestAPageReachesTheOneDeviceThatCanReadIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loopback)
	receipt, err := w.sender.Send(t.Context(), message(w, notify.TemplatePage, true, notify.PageData{
		Number: "PAG-3", Title: "Card payments fail", Severity: "sev-1", Service: "Checkout", Project: "Harbour", Why: "on call in primary",
		URL: "/pages/PAG-3", AckURL: "https://mainstay.example/pages/p1/ack?token=t",
	}))
	if err != nil || receipt.Answer != "201 Created" || receipt.Confirmed {
		t.Fatalf("%+v, %v", receipt, err)
	}
	h := w.request.Header
	if h.Get("Ttl") != "3600" || h.Get("Urgency") != "high" || h.Get("Content-Encoding") != "aes128gcm" || len(h.Get("Topic")) != 32 {
		t.Errorf("headers %v", h)
	}
	vapid(t, h.Get("Authorization"), w.URL, w.keys)
	if strings.Contains(string(w.body), "Card") {
		t.Error("the push service can read it")
	}
	var n webpush.Note
	if err := json.Unmarshal(w.browser.read(t, w.body), &n); err != nil {
		t.Fatal(err)
	}
	want := webpush.Note{
		Title: "Card payments fail", Body: "sev-1 · Checkout · Harbour\nYou: on call in primary\nPAG-3", URL: "/pages/PAG-3", Ack: "/pages/p1/ack?token=t",
		Tag: "page:p1", Urgent: true, At: noon.UnixMilli(),
	}
	if n != want {
		t.Errorf("%+v", n)
	}
}

func TestWhatIsNotUrgentWaitsLongerAndAFarAddressIsNotOpened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loopback)
	if _, err := w.sender.Send(t.Context(), message(w, notify.TemplateGeneral, false, notify.GeneralData{
		Title: "ACT-2: raise the pool", Text: strings.Repeat("ä", 5000), URL: "https://elsewhere.example/x",
	})); err != nil {
		t.Fatal(err)
	}
	if h := w.request.Header; h.Get("Ttl") != "86400" || h.Get("Urgency") != "normal" {
		t.Errorf("headers %v", h)
	}
	if len(w.body) > 4096 {
		t.Errorf("%d bytes", len(w.body))
	}
	var n webpush.Note
	if err := json.Unmarshal(w.browser.read(t, w.body), &n); err != nil || n.URL != "" || !strings.HasSuffix(n.Body, "…") {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestTheAnswerDecidesWhatBecomesOfTheMessageAndTheDevice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status          int
		permanent, gone bool
	}{
		{http.StatusGone, true, true}, {http.StatusNotFound, true, true}, {http.StatusForbidden, true, false}, {http.StatusRequestEntityTooLarge, true, false},
		{http.StatusFound, true, false}, {http.StatusTooManyRequests, false, false}, {http.StatusServiceUnavailable, false, false}, {http.StatusInternalServerError, false, false},
	} {
		w := newWorld(t, loopback)
		w.status = c.status
		w.header.Set("Location", "/elsewhere")
		_, err := w.sender.Send(t.Context(), message(w, notify.TemplateTest, false, notify.LinkData{}))
		if err == nil || notify.IsPermanent(err) != c.permanent || (len(w.gone) == 1) != c.gone {
			t.Errorf("%d: %v, gone %v", c.status, err, w.gone)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the address: %v", err)
		}
	}
}

func TestADeviceMayNotLeadIntoTheNetworkBehindTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // nothing is opened
	_, err := w.sender.Send(t.Context(), message(w, notify.TemplateTest, false, notify.LinkData{}))
	if !notify.IsPermanent(err) || !errors.Is(err, outbound.ErrRefused) || w.request != nil {
		t.Errorf("%v", err)
	}
}

func TestADeviceThatIsNoLongerThePersonsGetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, loopback)
	m := message(w, notify.TemplateTest, false, notify.LinkData{})
	m.Person = "ben"
	if _, err := w.sender.Send(t.Context(), m); !notify.IsPermanent(err) || w.request != nil {
		t.Errorf("%v", err)
	}
}

func TestKeysAndDevicesAreChecked(t *testing.T) {
	t.Parallel()
	a, err := webpush.NewKeys(make([]byte, 32)) // zero is no key: another is made of it
	b, err2 := webpush.NewKeys(make([]byte, 32))
	if err != nil || err2 != nil || a != b || a.Private == "" {
		t.Errorf("%v %v", a, err)
	}
	good := newBrowser(t).device()
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	back, err := webpush.ParseDevice(good.Encode())
	if err != nil || back != good {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range []webpush.Device{{}, {P256dh: good.P256dh}, {P256dh: "AAAA", Auth: good.Auth}, {P256dh: good.P256dh, Auth: "AA"}} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

// What a browser names as its keys, and whatever an attacker puts there instead, never breaks the sender.
func FuzzDevice(f *testing.F) {
	f.Add("BPcM", "AAAA")
	f.Fuzz(func(_ *testing.T, p256dh, auth string) {
		_ = webpush.Device{P256dh: p256dh, Auth: auth}.Check()
	})
}
