package rtmp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"testing"

	"github.com/yutopp/go-rtmp/handshake"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// TestCertificateReload changes the certificate while a stream is live: the stream goes on, and the next publisher sees the new one.
func TestCertificateReload(t *testing.T) {
	var current atomic.Pointer[tls.Certificate]
	first, second := selfSigned(t), selfSigned(t)
	current.Store(&first)
	known := x509.NewCertPool()
	for _, c := range []tls.Certificate{first, second} {
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		known.AddCert(leaf)
	}
	type stream struct {
		*frame.Stream
		unit chan frame.AccessUnit
		end  chan error
	}
	streams := make(chan stream, 2)
	addr, _ := start(t, &rtmp.Server{
		TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }},
		Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			live := stream{s, make(chan frame.AccessUnit), make(chan error, 1)}
			streams <- live
			for u, err := range s.Units {
				if err != nil {
					live.end <- err
					return err
				}
				live.unit <- u
			}
			live.end <- nil
			return nil
		}),
	})
	publish := func() (*client, stream, []byte) {
		raw := connect(t, addr)
		conn := tls.Client(raw, &tls.Config{RootCAs: known, ServerName: "localhost"})
		if err := handshake.HandshakeWithServer(conn, conn, &handshake.Config{}); err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, conn: conn, next: rtmp.Messages(bufio.NewReader(conn), 1<<20)}
		c.publish("key")
		return c, <-streams, conn.ConnectionState().PeerCertificates[0].Raw
	}
	send := func(c *client, s stream) {
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 500)})
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
		if u := <-s.unit; !u.Key {
			t.Error("not a key unit")
		}
	}
	a, streamA, certA := publish()
	send(a, streamA)
	current.Store(&second)
	b, streamB, certB := publish()
	send(b, streamB)
	send(a, streamA)
	if string(certA) != string(first.Certificate[0]) || string(certB) != string(second.Certificate[0]) {
		t.Error("the publishers saw other certificates")
	}
	if streamA.TLS == nil || !streamA.TLS.HandshakeComplete || streamA.URL != "rtmp://host/live" {
		t.Errorf("the Handler saw TLS %v, URL %q", streamA.TLS, streamA.URL)
	}
	for i, c := range []*client{a, b} {
		c.call(1, "deleteStream", 4, nil, 1)
		if err := <-[]stream{streamA, streamB}[i].end; err != nil {
			t.Error(err)
		}
	}
}
