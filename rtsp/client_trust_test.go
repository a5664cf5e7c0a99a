package rtsp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// selfSigned returns a certificate as cameras have them, for the given time from now on, and its SHA-256.
func selfSigned(t *testing.T, valid time.Duration, ips ...net.IP) (config *tls.Config, known *x509.CertPool, sum string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(valid), DNSNames: []string{"camera"}, IPAddresses: ips}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	known = x509.NewCertPool()
	known.AddCert(leaf)
	digest := sha256.Sum256(der)
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, known, hex.EncodeToString(digest[:])
}

// colons writes a fingerprint as openssl does.
func colons(sum string) string {
	var pairs [][]byte
	for i := 0; i < len(sum); i += 2 {
		pairs = append(pairs, []byte(strings.ToUpper(sum[i:i+2])))
	}
	return string(bytes.Join(pairs, []byte(":")))
}

func TestFingerprints(t *testing.T) {
	config, known, sum := selfSigned(t, time.Hour) // of another host
	s := server{}
	s.TLSConfig = config
	s.start(t, "", false)
	s.publish(t, frametest.Clip{})
	otherConfig, _, otherSum := selfSigned(t, -time.Hour)
	away := server{redirect: s.url()}
	away.TLSConfig = otherConfig
	away.start(t, "", false)
	resumed := make(chan bool, 100)
	sessions := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(0),
		VerifyConnection: func(state tls.ConnectionState) error { resumed <- state.DidResume; return nil }}
	picky := &tls.Config{MinVersion: tls.VersionTLS12, VerifyConnection: func(tls.ConnectionState) error { return errNoPorts }}

	for _, test := range []struct {
		about string
		url   string
		pins  []string
		tls   *tls.Config
		want  string // the fingerprint of a *CertificateError; empty if units come
	}{
		{"as openssl prints it", s.url(), []string{colons(sum)}, nil, ""},
		{"without colons", s.url(), []string{sum}, nil, ""},
		{"the second of two", s.url(), []string{otherSum, sum}, &tls.Config{MinVersion: tls.VersionTLS13}, ""},
		{"of a session to resume", s.url(), []string{sum}, sessions, ""},
		{"of a resumed session", s.url(), []string{sum}, sessions, ""},
		{"of another certificate", s.url(), []string{otherSum}, nil, colons(sum)},
		{"of another certificate, in a session that could be resumed", s.url(), []string{otherSum}, sessions, colons(sum)},
		{"of another certificate, though authorities vouch for this one", s.url(), []string{otherSum},
			&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: known}, colons(sum)},
		{"where it redirects to, and an expired one before", away.url(), []string{otherSum, sum}, nil, ""},
		{"not of where it redirects to", away.url(), []string{otherSum}, nil, colons(sum)},
		{"none", s.url(), nil, nil, colons(sum)},
		{"none, and authorities that do not know it", s.url(), nil,
			&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}, colons(sum)},
	} {
		c := rtsp.Client{URL: test.url, Fingerprints: test.pins, TLSConfig: test.tls}
		if test.want == "" {
			collect(t, &c, 1)
			continue
		}
		c.Handler = ingesttest.Refuse(t)
		err := c.Run(context.Background())
		var e *rtsp.Error
		var cert *rtsp.CertificateError
		if !errors.As(err, &e) || e.Step != "describe" || !errors.As(err, &cert) || cert.Fingerprint != test.want {
			t.Errorf("%s: %v, want a certificate not to be trusted, %s", test.about, err, test.want)
		}
	}
	for i, want := range []bool{false, true} {
		if got := <-resumed; got != want {
			t.Errorf("connection %d is resumed: %v", i, got)
		}
	}
	fails(t, &rtsp.Client{URL: s.url(), Fingerprints: []string{sum}, TLSConfig: picky}, nil, errNoPorts.Error())
	for _, test := range []struct{ url, pin, text string }{
		{s.url(), "", `not a SHA-256 fingerprint: ""`},
		{s.url(), sum[2:], "not a SHA-256 fingerprint"},
		{s.url(), sum[1:] + "g", "not a SHA-256 fingerprint"},
		{"rtsp://127.0.0.1/cam", sum, "rtsps://"},
	} {
		err := (&rtsp.Client{URL: test.url, Fingerprints: []string{sum, test.pin}, Handler: ingesttest.Refuse(t)}).Run(context.Background())
		var e *rtsp.Error
		if !errors.As(err, &e) || e.Step != "configure" || !strings.Contains(err.Error(), test.text) {
			t.Errorf("fingerprint %q of %s: %v, want %q", test.pin, test.url, err, test.text)
		}
	}
}

// TestCertificates is of certificates that authorities vouch for, and yet they are wrong.
func TestCertificates(t *testing.T) {
	localhost := net.IPv4(127, 0, 0, 1)
	var old, foreign server
	var known [2]*x509.CertPool
	old.TLSConfig, known[0], _ = selfSigned(t, -time.Hour, localhost)
	foreign.TLSConfig, known[1], _ = selfSigned(t, time.Hour)
	old.start(t, "", false)
	foreign.start(t, "", false)
	fails(t, &rtsp.Client{URL: old.url(), TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: known[0]}}, nil, "has expired")
	err := (&rtsp.Client{URL: foreign.url(), TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: known[1]},
		Handler: ingesttest.Refuse(t)}).Run(context.Background())
	var cert *rtsp.CertificateError
	var host x509.HostnameError
	if !errors.As(err, &cert) || !errors.As(err, &host) {
		t.Errorf("the certificate of another host: %v", err)
	}
}
