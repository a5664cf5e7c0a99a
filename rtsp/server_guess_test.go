package rtsp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// A lock is a Server's, and counts the wrong guesses that it looked at.
type lock struct{ wrong atomic.Int64 }

// password returns a Server whose password is "secret".
func (l *lock) password() *rtsp.Server {
	return &rtsp.Server{Handler: drain, Authenticate: func(_ context.Context, login *rtsp.Login) error {
		if login.Knows("secret") {
			return nil
		}
		if login.User != "" {
			l.wrong.Add(1)
		}
		return rtsp.ErrUnauthorized
	}}
}

// token returns a Server whose Handler wants a token in the URL.
func (l *lock) token() *rtsp.Server {
	return &rtsp.Server{Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		if s.Query.Get("token") == "secret" {
			return drain(ctx, s)
		}
		l.wrong.Add(1)
		return errors.New("wrong token")
	})}
}

// early returns a Server whose Authenticate wants a token in the URL.
func (l *lock) early() *rtsp.Server {
	return &rtsp.Server{Handler: drain, Authenticate: func(_ context.Context, login *rtsp.Login) error {
		if login.Query.Get("token") == "secret" {
			return nil
		}
		l.wrong.Add(1)
		return rtsp.ErrUnauthorized
	}}
}

func basic(password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+password)) + "\r\n"
}

// TestGuesses has connections of one address guess, each anew as soon as it is answered. Few guesses are looked at, and a publisher from
// another address does not have to wait. When they have left, one from theirs has to wait for no longer than three seconds.
func TestGuesses(t *testing.T) {
	const digest = "Authorization: Digest username=\"me\", realm=\"ipcam\", nonce=\"0\", uri=\"rtsp://pipe/live/cam\", response=\"%032x\"\r\n"
	sdp := describe(small(t))
	inHeader := func(format string) func(guess any) (query, header string) {
		return func(guess any) (query, header string) { return "", fmt.Sprintf(format, guess) }
	}
	inURL := func(guess any) (query, header string) { return fmt.Sprint("?token=", guess), "" }
	for _, test := range []struct {
		about  string
		server func(*lock) *rtsp.Server
		show   func(guess any) (query, header string)
		right  func(guess any) (query, header string)
	}{
		{"Basic", (*lock).password, func(guess any) (query, header string) { return "", basic(fmt.Sprint(guess)) }, nil},
		{"Digest", (*lock).password, inHeader(digest), func(any) (query, header string) { return "", basic("secret") }},
		{"a token that the Handler looks at", (*lock).token, inURL, nil},
		{"a token that Authenticate looks at", (*lock).early, inURL, nil},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const conns, lasts = 5, 30 * time.Second
				ln, lock := ingesttest.NewListener(), new(lock)
				stop := run(t, test.server(lock), ln)
				defer stop()
				try := func(ip string, show func(any) (string, string), guess any) base.StatusCode {
					r := wrap(t, ln.DialFrom(ip), "rtsp://pipe/live/"+ip)
					defer func() { _ = r.Close() }()
					query, header := show(guess)
					response, err := r.request("ANNOUNCE", r.url+query, header, sdp)
					if err != nil {
						t.Errorf("a guess is not answered: %v", err)
					}
					return response.StatusCode
				}
				right := test.right
				if right == nil {
					right = test.show
				}
				takes := func(ip string) time.Duration {
					begin := time.Now()
					if code := try(ip, right, "secret"); code != base.StatusOK {
						t.Errorf("a right one from %s is answered with %d", ip, code)
					}
					return time.Since(begin)
				}
				var guessing sync.WaitGroup
				begin := time.Now()
				for n := range conns {
					guessing.Go(func() {
						for ; time.Since(begin) < lasts; fakeclock.Pass(100 * time.Millisecond) {
							if code := try("192.0.2.1", test.show, n); code != base.StatusUnauthorized && code != base.StatusForbidden {
								t.Errorf("a guess is answered with %d", code)
							}
						}
					})
				}
				fakeclock.Pass(lasts / 2)
				if took := takes("192.0.2.2"); took > 0 {
					t.Errorf("from another address it takes %v", took)
				}
				guessing.Wait()
				if n := lock.wrong.Load(); n < 10 || n > conns+30 {
					t.Errorf("%d guesses are looked at within %v", n, lasts)
				}
				if took := takes("192.0.2.1"); took > 3*time.Second {
					t.Errorf("from their address it takes %v", took)
				}
			})
		})
	}
}

// TestManyLogins has thirty encoders of one address come at once. Each is asked for its password first, with a token in its URL or without
// one; none has to wait.
func TestManyLogins(t *testing.T) {
	sdp := describe(small(t))
	for query, conns := range map[string]int{"": 30, "?token=1": 5} {
		synctest.Test(t, func(t *testing.T) {
			ln, begin := ingesttest.NewListener(), time.Now()
			defer run(t, new(lock).password(), ln)()
			for range 4 {
				var all sync.WaitGroup
				for range conns {
					all.Go(func() {
						r := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam")
						for _, header := range []string{"", basic("secret")} {
							want := base.StatusOK
							if header == "" {
								want = base.StatusUnauthorized
							}
							if response, err := r.request("ANNOUNCE", r.url+query, header, sdp); err != nil || response.StatusCode != want {
								t.Errorf("%s: %d, %v", header, response.StatusCode, err)
							}
						}
						_ = r.Close()
					})
				}
				all.Wait()
			}
			if took := time.Since(begin); took > 0 {
				t.Errorf("they take %v", took)
			}
		})
	}
}

// TestGuessesBesideAnAccount has who has an account come and go on one connection, while others of the address guess at the password of
// another. That is no faster for it.
func TestGuessesBesideAnAccount(t *testing.T) {
	sdp := describe(small(t))
	synctest.Test(t, func(t *testing.T) {
		const guesses = 50
		ln, begin := ingesttest.NewListener(), time.Now()
		defer run(t, new(lock).password(), ln)()
		account := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/mine")
		account.want(t, base.StatusUnauthorized, "ANNOUNCE", account.url+"?token=1", "", sdp)
		for range guesses {
			account.id = ""
			account.want(t, base.StatusOK, "ANNOUNCE", account.url, basic("secret"), sdp)
			account.want(t, base.StatusOK, "SETUP", account.url+"/streamid=0", overTCP, "")
			account.want(t, base.StatusOK, "TEARDOWN", account.url, "", "")
			other := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam")
			other.want(t, base.StatusUnauthorized, "ANNOUNCE", other.url, basic("wrong"), sdp)
			_ = other.Close()
		}
		if took := time.Since(begin); took < guesses*time.Second/2 {
			t.Errorf("%d guesses take %v", guesses, took)
		}
	})
}

// TestEvictedWhileAsked has a connection evicted for a new one while it waits: for its turn, for Authenticate, or for the Handler. It ends
// at once, with its goroutines, and whoever is asked about it is told.
func TestEvictedWhileAsked(t *testing.T) {
	sdp := describe(small(t))
	for _, waits := range []string{"turn", "Authenticate", "Handler"} {
		t.Run(waits, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln, told := ingesttest.NewListener(), make(chan error, 1)
				wait := func(ctx context.Context) error {
					<-ctx.Done()
					told <- context.Cause(ctx)
					return context.Cause(ctx)
				}
				s := &rtsp.Server{MaxConnsPerAddr: 1, Handler: frame.HandlerFunc(func(ctx context.Context, _ *frame.Stream) error { return wait(ctx) })}
				if waits == "Authenticate" {
					s.Authenticate = func(ctx context.Context, _ *rtsp.Login) error { return wait(ctx) }
				}
				if waits == "turn" {
					s = new(lock).token()
					s.MaxConnsPerAddr = 1
					told <- rtsp.ErrLimit
				}
				stop := run(t, s, ln)
				for waits == "turn" {
					r, begin := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam"), time.Now()
					r.want(t, base.StatusForbidden, "ANNOUNCE", r.url, "", sdp)
					if r.closed(t); time.Since(begin) > time.Second {
						break
					}
				}
				begin, first := time.Now(), wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam")
				go func() { _, _ = first.request("ANNOUNCE", first.url, "", sdp) }()
				synctest.Wait()
				second := ln.DialFrom("192.0.2.1")
				if err := <-told; !errors.Is(err, rtsp.ErrLimit) {
					t.Errorf("it is told %v", err)
				}
				_ = second.Close()
				synctest.Wait()
				stop()
				if took := time.Since(begin); took > 0 {
					t.Errorf("it ends after %v", took)
				}
			})
		})
	}
}
