package rtmp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// TestRefusalByAddress refuses one of two publishers of the same name by where it comes from.
func TestRefusalByAddress(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		if s.Remote.(*net.TCPAddr).IP.String() != "127.0.0.1" {
			return errors.New("not from here")
		}
		return got.ServeStream(ctx, s)
	})})
	for from, want := range map[string]string{"127.0.0.1": "NetStream.Publish.Start", "127.0.0.2": "NetStream.Publish.BadName"} {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		c := greet(t, conn)
		c.call(0, "connect", 1, map[string]any{"app": "live"})
		c.call(1, "publish", 2, nil, "key", "live")
		if code, text := c.status(); code != want {
			t.Errorf("from %s: %s, %s", from, code, text)
		}
		c.closed()
	}
	if r := <-got; r.remote.(*net.TCPAddr).IP.String() != "127.0.0.1" || len(r.units) != 0 {
		t.Errorf("accepted %v, %d units", r.remote, len(r.units))
	}
}

// TestRefusalByPanic is logged with where it was. The encoder is not told.
func TestRefusalByPanic(t *testing.T) {
	log := new(bytes.Buffer)
	hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { panic("what") }}
	addr, stop := start(t, &rtmp.Server{Handler: hub, Logger: textLogger(log)})
	c := dial(t, addr)
	c.call(0, "connect", 1, map[string]any{"app": "live"})
	c.call(1, "publish", 2, nil, "key", "live")
	c.closed()
	stop()
	if text := log.String(); !strings.Contains(text, "what") || !strings.Contains(text, "server_refuse_test.go") {
		t.Errorf("logged: %s", text)
	}
}

// TestKeysAreNotLogged: a stream whose Handler gives it no other name fails, and so does one whose Handler calls runtime.Goexit.
func TestKeysAreNotLogged(t *testing.T) {
	log := new(bytes.Buffer)
	addr, stop := start(t, &rtmp.Server{Logger: textLogger(log), Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for _, err := range s.Units {
			switch {
			case err != nil:
				return err
			case s.Query.Get("exit") != "":
				runtime.Goexit()
			}
		}
		return nil
	})})
	for _, key := range []string{"secret", "secret?exit=1"} {
		c := dial(t, addr)
		c.publish(key)
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 100)})
		_ = c.send()
		c.closed()
	}
	stop()
	text := log.String()
	if strings.Contains(text, "secret") || !strings.Contains(text, "receive live/…") || !strings.Contains(text, "runtime.Goexit") {
		t.Errorf("logged: %s", text)
	}
}

// TestKeysInErrors: what a Handler says of a stream, with its key and its token in it, is logged without them, and told to the encoder as it is.
func TestKeysInErrors(t *testing.T) {
	log := new(bytes.Buffer)
	addr, stop := start(t, &rtmp.Server{Logger: textLogger(log), Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		return fmt.Errorf("nobody has %s with the token %s at %s", s.Key, s.Query.Get("token"), s.Name)
	})})
	c := dial(t, addr)
	c.call(0, "connect", 1, map[string]any{"app": "live"})
	c.call(1, "publish", 2, nil, "secret?token=hidden", "live")
	if _, text := c.status(); text != "nobody has secret with the token hidden at live/secret" {
		t.Errorf("told: %s", text)
	}
	c.closed()
	stop()
	if text := log.String(); strings.Contains(text, "secret") || strings.Contains(text, "hidden") || !strings.Contains(text, "nobody has … with the token … at live/…") {
		t.Errorf("logged: %s", text)
	}
}

// A name that would fill the log, or a terminal with what it is not to print, is refused.
func TestRefusalByName(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	for _, tt := range []struct{ key, want string }{
		{strings.Repeat("k", 1<<10-len("live/")), "NetStream.Publish.Start"},
		{strings.Repeat("k", 1<<10-len("live/")+1), "NetStream.Publish.BadName"},
		{strings.Repeat("k", 14<<10), "NetStream.Publish.BadName"},
		{"a\x1b[31m", "NetStream.Publish.BadName"},
		{"a\u009b2J", "NetStream.Publish.BadName"},
		{"a\u202eb", "NetStream.Publish.BadName"},
		{"a\xff", "NetStream.Publish.BadName"},
	} {
		c := dial(t, addr)
		c.call(0, "connect", 1, map[string]any{"app": "live"})
		c.call(1, "publish", 2, nil, tt.key, "live")
		if code, text := c.status(); code != tt.want {
			t.Errorf("%.20q of %d bytes: %s, %s", tt.key, len(tt.key), code, text)
		}
		c.closed()
	}
}
