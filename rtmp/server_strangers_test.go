package rtmp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// drain takes all units of a stream.
var drain = frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
	for _, err := range s.Units {
		if err != nil {
			return err
		}
	}
	return nil
})

// A gate lets in who has the token, and counts the wrong ones that it looked at.
type gate struct {
	frame.Handler
	mu    sync.Mutex
	wrong int
}

func (g *gate) ServeStream(ctx context.Context, s *frame.Stream) error {
	if s.Query.Get("token") == "secret" {
		return g.Handler.ServeStream(ctx, s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong++
	return errors.New("wrong token")
}

// TestTokenGuesses has connections of one address guess at a token, each anew as soon as it is closed. Few are looked at, and a publisher
// from another address does not have to wait. When they have left, one from theirs has to wait for no longer than three seconds.
func TestTokenGuesses(t *testing.T) {
	for _, conns := range []int{1, 20} {
		t.Run(fmt.Sprint(conns), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const lasts = 30 * time.Second
				ln, at := ingesttest.NewListener(), &gate{Handler: drain}
				stop := serve(t, &rtmp.Server{Handler: at}, ln)
				right := steps(t, "key?token=secret")
				takes := func(ip string) time.Duration {
					begin := time.Now()
					if !publishes(ln.DialFrom(ip), right, 0) {
						t.Errorf("the right token from %s is refused", ip)
					}
					return time.Since(begin)
				}
				var guessing sync.WaitGroup
				begin := time.Now()
				for n := range conns {
					guessing.Go(func() {
						for time.Since(begin) < lasts {
							if publishes(ln.DialFrom("192.0.2.1"), steps(t, fmt.Sprint("key?token=", n)), 0) {
								t.Error("a guess is let in")
							}
						}
					})
				}
				fakeclock.Pass(lasts / 2)
				if took := takes("192.0.2.2"); took > 0 {
					t.Errorf("from another address it takes %v", took)
				}
				guessing.Wait()
				if most := conns + 25; at.wrong > most {
					t.Errorf("%d guesses are looked at within %v, want %d", at.wrong, lasts, most)
				}
				if took := takes("192.0.2.1"); took > 3*time.Second {
					t.Errorf("from their address it takes %v", took)
				}
				stop()
			})
		})
	}
}

// TestGuessesBehindAProxy are not slowed: one client would slow all.
func TestGuessesBehindAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln, at := ingesttest.NewListener(), &gate{Handler: drain}
		defer serve(t, &rtmp.Server{Handler: at, MaxConnsPerAddr: -1}, ln)()
		for range 20 {
			publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=1"), 0)
		}
		if begin := time.Now(); !publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=secret"), 0) || time.Since(begin) > 0 || at.wrong != 20 {
			t.Errorf("the right one takes %v, %d wrong ones were looked at", time.Since(begin), at.wrong)
		}
	})
}

// TestGuessThatExits has a Handler end its goroutine when it is asked about a guess of an address that is slow. The next is looked at.
func TestGuessThatExits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln, at := ingesttest.NewListener(), &gate{Handler: drain}
		defer serve(t, &rtmp.Server{Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
			if s.Query.Get("token") == "exit" {
				runtime.Goexit()
			}
			return at.ServeStream(ctx, s)
		})}, ln)()
		for range 10 {
			publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=1"), 0)
		}
		publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=exit"), 0)
		if !publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=secret"), 0) {
			t.Error("the right token is refused")
		}
	})
}

// TestHonestMistakes has a token corrected a second later, and then four encoders of the same address come at once.
func TestHonestMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := ingesttest.NewListener()
		defer serve(t, &rtmp.Server{Handler: &gate{Handler: drain}}, ln)()
		for range 3 {
			if publishes(ln.DialFrom("192.0.2.1"), steps(t, "key?token=secrte"), 0) {
				t.Error("a wrong token is let in")
			}
			fakeclock.Pass(time.Second)
		}
		begin := time.Now()
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				if !publishes(ln.DialFrom("192.0.2.1"), steps(t, fmt.Sprintf("key%d?token=secret", n)), 0) {
					t.Errorf("encoder %d is refused", n)
				}
			})
		}
		all.Wait()
		if took := time.Since(begin); took > 0 {
			t.Errorf("they are let in after %v", took)
		}
	})
}

// TestLiveNamesAreNoGuesses has an encoder come again and again while its name is live, as after a lost connection: it is not slowed.
func TestLiveNamesAreNoGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln, refusals := ingesttest.NewListener(), 0
		defer serve(t, &rtmp.Server{Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
			if refusals++; refusals <= 20 {
				return capture.ErrLive
			}
			return drain.ServeStream(ctx, s)
		})}, ln)()
		var begin time.Time
		for n := range 21 {
			begin = time.Now()
			if publishes(ln.DialFrom("192.0.2.1"), steps(t, "key"), 0) != (n == 20) {
				t.Errorf("attempt %d", n)
			}
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("it is let in after %v", took)
		}
	})
}

// from has an encoder shake hands from an address.
func from(t *testing.T, ln *ingesttest.Listener, ip string) *client {
	t.Helper()
	conn, hello := ln.DialFrom(ip), make([]byte, 1+2*1536)
	go func() { _, _ = conn.Write(append([]byte{3}, hello[1:]...)) }()
	if _, err := io.ReadFull(conn, make([]byte, len(hello))); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, conn: conn, next: rtmp.Messages(bufio.NewReader(conn), 1<<20)}
}

// sendPicture sends a key picture, and the sequence header that publish has written, and waits until they are read.
func (c *client) sendPicture(t *testing.T, size int) {
	t.Helper()
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, size)})
	if err := c.send(); err != nil {
		t.Error(err)
	}
	synctest.Wait()
}

// TestWhoIsEvicted fills an address with two connections in every state that may not last, and has more come.
func TestWhoIsEvicted(t *testing.T) {
	const ip = "192.0.2.1"
	synctest.Test(t, func(t *testing.T) {
		got, ln := make(recorder, 9), ingesttest.NewListener()
		defer serve(t, &rtmp.Server{Handler: &gate{Handler: got}, MaxConnsPerAddr: 2}, ln)()
		begin := time.Now()
		for range 2 { // refused, and they do not hang up
			c := from(t, ln, ip)
			c.call(0, "connect", 1, map[string]any{"app": "live"})
			c.answer()
			c.call(1, "publish", 3, nil, "key?token=wrong", "live")
			if code, _ := c.status(); code != "NetStream.Publish.BadName" {
				t.Errorf("a wrong token: %s", code)
			}
		}
		silent := make([]*client, 3)
		for i := range silent { // accepted, and nothing comes
			silent[i] = from(t, ln, ip)
			silent[i].publish(fmt.Sprintf("silent%d?token=secret", i))
		}
		evicted := func(name string) {
			t.Helper()
			if r := <-got; r.name != "live/"+name || !errors.Is(r.err, rtmp.ErrLimit) {
				t.Errorf("%s ends with %v, want that %s is evicted", r.name, r.err, name)
			}
		}
		evicted("silent0")
		publishers := make([]*client, 2)
		for i := range publishers {
			c := from(t, ln, ip)
			c.publish(fmt.Sprintf("good%d?token=secret", i))
			c.sendPicture(t, 300)
			evicted(fmt.Sprint("silent", i+1))
			publishers[i] = c
		}
		refused := ln.DialFrom(ip)
		if _, err := io.ReadAll(refused); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > 0 {
			t.Errorf("it takes %v", took)
		}
		for range 3 { // one goes on, the other does not
			fakeclock.Pass(4 * time.Second)
			publishers[1].sendPicture(t, 300)
		}
		from(t, ln, ip).publish("late?token=secret")
		evicted("good0")
	})
}

// TestEvictedWhileAsked has a connection evicted for a new one while its Handler decides, which is told.
func TestEvictedWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln, told := ingesttest.NewListener(), make(chan error, 1)
		stop := serve(t, &rtmp.Server{MaxConnsPerAddr: 1, Handler: frame.HandlerFunc(func(ctx context.Context, _ *frame.Stream) error {
			<-ctx.Done()
			told <- context.Cause(ctx)
			return context.Cause(ctx)
		})}, ln)
		begin, decided := time.Now(), make(chan bool)
		go func() { decided <- publishes(ln.DialFrom("192.0.2.1"), steps(t, "key"), 0) }()
		synctest.Wait()
		second := ln.DialFrom("192.0.2.1")
		if err := <-told; !errors.Is(err, rtmp.ErrLimit) {
			t.Errorf("it is told %v", err)
		}
		_ = second.Close()
		if <-decided {
			t.Error("it is let in")
		}
		stop()
		if took := time.Since(begin); took > 0 {
			t.Errorf("it ends after %v", took)
		}
	})
}

// TestUnderWay has connections of one address send most of a message each, and keep the rest back: the largest are hung up on before all
// take too much. Meanwhile a picture of another address arrives.
func TestUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const conns = 10 // of 8 MiB, where a sixteenth of 1 GiB is the most
		got, ln := make(recorder, conns+1), ingesttest.NewListener()
		stop := serve(t, &rtmp.Server{Handler: got}, ln)
		open := func(ip, key string) *client {
			c := from(t, ln, ip)
			c.publish(key)
			go func() { _, _ = io.Copy(io.Discard, c.conn) }()
			c.control(setChunkSize, 16<<20)
			c.size = 16 << 20
			return c
		}
		good, body := open("192.0.2.2", "good"), picture(true, 8<<20-100)
		var all sync.WaitGroup
		for range conns {
			c := open("192.0.2.1", "bad")
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: body})
			c.out = c.out[:len(c.out)-10]
			all.Go(func() { _ = c.send() })
		}
		all.Wait()
		synctest.Wait()
		good.sendPicture(t, 2<<20)
		if n := len(got); n != 2 && n != 3 {
			t.Errorf("%d of %d are hung up on", n, conns)
		}
		for range len(got) {
			if r := <-got; r.name != "live/bad" || !errors.Is(r.err, rtmp.ErrLimit) {
				t.Errorf("%s ends with %v", r.name, r.err)
			}
		}
		_ = good.conn.Close()
		if r := <-got; r.name != "live/good" || len(r.units) != 1 {
			t.Errorf("%s has %d units", r.name, len(r.units))
		}
		stop()
	})
}

// TestClientContainsPanics ends Run with an error when the Handler panics, before or while it takes units, and when OnPull does.
func TestClientContainsPanics(t *testing.T) {
	for about, handler := range map[string]frame.HandlerFunc{
		"before": func(context.Context, *frame.Stream) error { panic("before") },
		"during": func(_ context.Context, s *frame.Stream) error {
			for _, err := range s.Units {
				if err != nil {
					return err
				}
				panic("during")
			}
			return nil
		},
		"OnPull": func(context.Context, *frame.Stream) error { return nil },
	} {
		t.Run(about, func(t *testing.T) {
			addr := fake(t, func(_ int, p *player) {
				if _, ok := p.asked(); !ok {
					return
				}
				if about == "OnPull" {
					p.tell("error", "NetStream.Play.StreamNotFound", "")
					return
				}
				p.start()
				p.media(10)
				_, _ = io.Copy(io.Discard, p.conn)
			})
			log := make(chan string, 9)
			err := (&rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: handler,
				Logger: textLogger(writerFunc(func(b []byte) { log <- string(b) })),
				OnPull: func(frame.Pull) {
					if about == "OnPull" {
						panic("OnPull")
					}
				}}).Run(t.Context())
			var e *rtmp.Error
			if !errors.As(err, &e) || e.Stream != "live/cam" {
				t.Errorf("Run returns %v", err)
			}
			for line := range log {
				if strings.Contains(line, "panic="+about) && strings.Contains(line, "stack=") {
					return
				}
			}
		})
	}
}
