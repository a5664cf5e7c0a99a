package rtsp_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// TestCrowd has more connections of one address than there may be, or of several, that are dialled anew whenever they are closed, and
// never record. A publisher from the first address, 3 ms away, is let in each time, and the log stays
// short. Bounds and crowds are a fifth of what the defaults let in: the race detector crashes on many hundreds of goroutines.
func TestCrowd(t *testing.T) {
	sdp := describe(small(t))
	options := "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
	announce := fmt.Sprintf("ANNOUNCE rtsp://pipe/live/crowd RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		len(sdp), sdp)
	for _, crowd := range []ingesttest.Crowd{
		{About: "silent ones", Says: []string{""}, Addresses: 1, Size: 40},
		{About: "that say one byte", Says: []string{"O"}, Addresses: 1, Size: 40},
		{About: "that ask for options", Says: []string{options}, Addresses: 1, Size: 40},
		{About: "that announce", Says: []string{announce}, Addresses: 1, Size: 40},
		{About: "of all kinds", Says: []string{"", "O", options, announce}, Addresses: 1, Size: 40},
		{About: "silent ones of ten addresses", Says: []string{""}, Addresses: 10, Size: 80},
	} {
		t.Run(crowd.About, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const tries, away = 3, 3 * time.Millisecond
				ln, log := ingesttest.NewListener(), new(ingesttest.LineCounter)
				stop := run(t, &rtsp.Server{Handler: drain, Logger: log.Logger(), MaxConns: 48, MaxConnsPerAddr: 24}, ln)
				crowd.Run(t, ln, log, func() {
					for n := range tries {
						r := wrap(t, ln.DialFrom("192.0.2.1"), fmt.Sprint("rtsp://pipe/live/good", n))
						for _, step := range [][4]string{
							{"OPTIONS", r.url, "", ""}, {"ANNOUNCE", r.url, "", sdp}, {"SETUP", r.url + "/streamid=0", overTCP, ""}, {"RECORD", r.url, "", ""},
						} {
							fakeclock.Pass(away)
							if response, err := r.request(step[0], step[1], step[2], step[3]); err != nil || response.StatusCode != base.StatusOK {
								t.Errorf("try %d fails at %s: %d, %v", n, step[0], response.StatusCode, err)
								break
							}
						}
						_ = r.Close()
					}
				}, stop)
			})
		})
	}
}

// TestWhoIsEvicted fills an address with publishers of which video comes or not, and with one that only announces, and has more come.
func TestWhoIsEvicted(t *testing.T) {
	units := small(t)
	sdp := describe(units)
	synctest.Test(t, func(t *testing.T) {
		got, ln := make(taker, 9), ingesttest.NewListener()
		defer run(t, &rtsp.Server{Handler: got, MaxConnsPerAddr: 2, IdleTimeout: time.Minute}, ln)()
		from := func(ip, name string) *raw { return wrap(t, ln.DialFrom(ip), "rtsp://pipe/live/"+name) }
		evicted := func(r *raw, name string) {
			t.Helper()
			r.closed(t)
			if r := <-got; r.stream.Name != "live/"+name || !errors.Is(r.err, rtsp.ErrLimit) || !strings.Contains(r.err.Error(), "2001:db8::/64") {
				t.Errorf("%s ended with %v", r.stream.Name, r.err)
			}
		}
		first := from("2001:db8::1", "first")
		first.record(t, sdp)
		first.send(t, units[0])
		second := from("2001:db8::2", "second")
		second.want(t, base.StatusOK, "ANNOUNCE", second.url, "", sdp)
		third := from("2001:db8::3", "third")
		third.record(t, sdp)
		evicted(second, "second")
		fourth := from("2001:db8::4", "fourth")
		fourth.record(t, sdp)
		evicted(third, "third")
		fourth.send(t, units[0])
		synctest.Wait()
		from("2001:db8::5", "refused").closed(t)
		from("2001:db8:0:1::", "elsewhere").record(t, sdp)
		for n := range 3 { // one goes on, the other does not
			fakeclock.Pass(4 * time.Second)
			fourth.send(t, units[n+1])
		}
		synctest.Wait()
		from("2001:db8::6", "sixth").record(t, sdp)
		evicted(first, "first")
	})
}

// TestStreamsWithoutVideo fills a Server with streams of two addresses that were announced only: they are evicted for one that comes.
func TestStreamsWithoutVideo(t *testing.T) {
	units := small(t)
	sdp := describe(units)
	synctest.Test(t, func(t *testing.T) {
		ln, begin := ingesttest.NewListener(), time.Now()
		defer run(t, &rtsp.Server{Handler: drain, MaxStreams: 4}, ln)()
		var announced []*raw
		for n := range 4 {
			r := wrap(t, ln.DialFrom(fmt.Sprint("192.0.2.", n%2)), fmt.Sprint("rtsp://pipe/live/", n))
			r.want(t, base.StatusOK, "ANNOUNCE", r.url, "", sdp)
			announced = append(announced, r)
		}
		for n := range 4 {
			r := wrap(t, ln.DialFrom("192.0.2.9"), fmt.Sprint("rtsp://pipe/live/good", n))
			r.record(t, sdp)
			announced[n].closed(t)
			r.send(t, units[0])
			synctest.Wait()
		}
		r := wrap(t, ln.DialFrom("192.0.2.9"), "rtsp://pipe/live/more")
		r.want(t, base.StatusNotEnoughBandwidth, "ANNOUNCE", r.url, "", sdp)
		if took := time.Since(begin); took > 0 {
			t.Errorf("it takes %v", took)
		}
	})
}

// TestUnderWay has connections of one address send most of a unit each, and keep the rest back: the largest are hung up on before all
// take too much. Meanwhile a unit of another address arrives.
func TestUnderWay(t *testing.T) {
	units := small(t)
	sdp := describe(units)
	synctest.Test(t, func(t *testing.T) {
		const conns = 10 // of 8 MiB, where a sixteenth of 1 GiB is the most
		got, ln := make(taker, conns+1), ingesttest.NewListener()
		stop := run(t, &rtsp.Server{Handler: got}, ln)
		good := wrap(t, ln.DialFrom("192.0.2.2"), "rtsp://pipe/live/good")
		good.record(t, sdp)
		var all sync.WaitGroup
		for range conns {
			bad := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/bad")
			bad.record(t, sdp)
			all.Go(func() {
				for n := range uint16(500) {
					begin := byte(0)
					if n == 0 {
						begin = 0x80
					}
					head := []byte{0x80, payloadType, byte(n >> 8), byte(n), 0, 0, 0, 1, 0, 0, 0, 7, 0x7c, begin | 5}
					if _, err := bad.Write(interleave(append(head, make([]byte, 16_000)...))); err != nil {
						break
					}
				}
			})
		}
		all.Wait()
		good.send(t, units[0])
		synctest.Wait()
		if n := len(got); n < 2 || n > 3 {
			t.Errorf("%d of %d are hung up on", n, conns)
		}
		for range len(got) {
			if r := <-got; r.stream.Name != "live/bad" || !errors.Is(r.err, rtsp.ErrLimit) {
				t.Errorf("%s ends with %v", r.stream.Name, r.err)
			}
		}
		good.want(t, base.StatusOK, "TEARDOWN", good.url, "", "")
		if r := <-got; r.stream.Name != "live/good" || len(r.units) != 1 {
			t.Errorf("%s has %d units", r.stream.Name, len(r.units))
		}
		stop()
	})
}

// TestRequestsUnderWay has connections of one address send a large request each, one after the other, and keep the end of it back: the largest
// are hung up on before all take too much. Of requests that are whole nothing is buffered.
func TestRequestsUnderWay(t *testing.T) {
	const conns, most = 8, 2 << 20 // requests of 0.38 MB, and what there may be of them in all
	request := "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 131072\r\n" +
		strings.Repeat(strings.Repeat("X", 500)+": "+strings.Repeat("v", 2000)+"\r\n", 100) + "\r\n" + strings.Repeat("b", 131072)
	for _, test := range []struct{ back, least, most int }{{2, 4, 6}, {0, conns, conns}} {
		synctest.Test(t, func(t *testing.T) {
			ln := ingesttest.NewListener()
			s := &rtsp.Server{Handler: drain, PublishTimeout: ample, MaxSDP: 128 << 10, Logger: slog.New(slog.DiscardHandler)}
			defer ingesttest.Run(t, func(ctx context.Context) error { return s.ServeWithin(ctx, ln, most) })()
			var all []*raw
			var sending sync.WaitGroup
			for range conns {
				r := wrap(t, ln.DialFrom("192.0.2.1"), "")
				all = append(all, r)
				sending.Go(func() {
					go func() { _, _ = io.Copy(io.Discard, r.in) }()
					_, _ = io.WriteString(r, request[:len(request)-test.back])
				})
				sending.Wait()
				synctest.Wait() // until it is answered, if it is whole
			}
			left := 0
			for _, r := range all {
				if _, err := io.WriteString(r, "b"); err == nil {
					left++
				}
			}
			if left < test.least || left > test.most {
				t.Errorf("%d bytes are kept back: %d of %d are left", test.back, left, conns)
			}
			for _, r := range all {
				_ = r.Close()
			}
		})
	}
}

// feedback returns transport-wide feedback on 65,535 packets that is cut off, draft-holmer-rmcat-transport-wide-cc-extensions-01.
func feedback() []byte {
	b := make([]byte, 44)
	copy(b, []byte{'$', 1, 0, 40, 0x8f, 205, 0, 9})
	copy(b[18:], []byte{0xff, 0xff})
	for at := 24; at < 40; at += 2 {
		copy(b[at:], []byte{0x3f, 0xff}) // 8,191 packets have come
	}
	return b
}

// TestMalformedReports sends RTCP that is malformed: much ends the connection, of a publisher and of a server, and a little for long does
// not.
func TestMalformedReports(t *testing.T) {
	units := small(t)
	sdp := describe(units)
	flood := func(r *raw) (sent int) {
		for sent < 1000 {
			if _, err := r.Write(feedback()); err != nil {
				break
			}
			sent++
		}
		return sent
	}
	synctest.Test(t, func(t *testing.T) {
		got, ln := make(taker, 1), ingesttest.NewListener()
		defer run(t, &rtsp.Server{Handler: got}, ln)()
		r := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam")
		r.record(t, sdp)
		for range 100 {
			_, _ = r.Write([]byte{'$', 1, 0, 4, 0x8f, 205, 0, 9})
			r.send(t, units[0])
			fakeclock.Pass(time.Second)
		}
		if len(got) > 0 {
			t.Fatalf("a few end it: %v", (<-got).err)
		}
		if sent := flood(r); sent > 100 {
			t.Errorf("%d are taken", sent)
		}
		if r := <-got; !errors.Is(r.err, rtsp.ErrLimit) {
			t.Errorf("it ends with %v", r.err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := rtsp.Client{Once: true, Transport: rtsp.TCP, Logger: slog.New(slog.DiscardHandler), Handler: drain}
		run := alone(general+ofH264, func(r *raw) {
			go r.deafen()
			if sent := flood(r); sent > 100 {
				t.Errorf("%d are taken of a server", sent)
			}
		}).inMemory(t, &c)
		if err := run(t.Context()); !errors.Is(err, rtsp.ErrLimit) {
			t.Errorf("a server's end with %v", err)
		}
	})
}

// TestFloods has publishers send as fast as it is taken. Packets and requests are taken no faster than publishers need, and nobody is
// hung up on for it.
func TestFloods(t *testing.T) {
	const lasts = 2 * time.Second
	sdp := describe(small(t))
	packet := func(payload ...byte) []byte {
		return interleave(append([]byte{0x80, 0x80 | payloadType, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, payload...))
	}
	for _, test := range []struct {
		about string
		again []byte
		rate  int // the most that are taken in a second
		units bool
	}{
		{"small units", packet(0x65, 0x88), ingest.Rate, true},
		{"packets of nothing", packet(0x7c, 0x05), 33_000, false},
		{"packets of another stream", interleave([]byte{0x80, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 33_000, false},
		{"packets that are cut off", interleave([]byte{0x80, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0})[:15], 33_000, false},
		{"reports", []byte{'$', 1, 0, 8, 0x80, 201, 0, 1, 0, 0, 0, 9}, 33_000, false},
		{"requests", []byte("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), ingest.Rate, false},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				units, lost := 0, false
				ln := ingesttest.NewListener()
				stop := run(t, &rtsp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
					for u, err := range s.Units {
						if err != nil {
							return err
						}
						lost = lost || u.Lost
						units++
					}
					return nil
				})}, ln)
				r := dialPipe(t, ln)
				r.record(t, sdp)
				go func() { _, _ = io.Copy(io.Discard, r.in) }()
				_ = r.SetDeadline(time.Time{})
				begin, sent := time.Now(), uint32(0)
				for time.Since(begin) < lasts {
					var some []byte // at once, which is less work for the race detector
					for range 50 {
						if test.again[0] == '$' && test.again[5]&0x7f == payloadType { // the next sequence number and timestamp
							test.again[6], test.again[7] = byte(sent>>8), byte(sent)
							binary.BigEndian.PutUint32(test.again[8:], sent)
						}
						some = append(some, test.again...)
						sent++
					}
					if _, err := r.Write(some); err != nil {
						t.Fatalf("hung up on after %d: %v", sent, err)
					}
				}
				most := float64(test.rate) * (ingest.Burst/ingest.Rate + lasts.Seconds())
				if n := float64(sent); n < 0.8*most || n > 1.2*most {
					t.Errorf("%d are read, want %.0f", sent, most)
				}
				stop()
				// Of what comes at once the Handler may not be fast enough to take all.
				if after := max(0, int(sent)-ingest.Burst); test.units && units < after*9/10 {
					t.Errorf("%d units of %d, of which %d after all that may come at once, some lost: %v", units, sent, after, lost)
				}
			})
		})
	}
}

// TestFloodOverUDP sends small units over UDP faster than a publisher does: some are dropped, and the Handler is told.
func TestFloodOverUDP(t *testing.T) {
	units := small(t)
	var came int
	var lost atomic.Bool
	done := make(chan struct{})
	addr, _ := listen(t, &rtsp.Server{UDPAddr: "127.0.0.1:0", Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		defer close(done)
		for u, err := range s.Units {
			if err != nil {
				return err
			}
			came++
			lost.Store(lost.Load() || u.Lost)
		}
		return nil
	})})
	begin := time.Now()
	r := dial(t, addr, nil)
	send := r.overUDP(t, describe(units))
	const flood = 60_000
	for n := uint32(0); n < flood || !lost.Load(); n++ { // a busy machine may be behind
		send([]byte{0x80, 0x80 | payloadType, byte(n >> 8), byte(n), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0, 0, 1, 0x65, 0x88})
	}
	r.want(t, base.StatusOK, "TEARDOWN", r.url, "", "")
	<-done
	if most := ingest.Burst + ingest.Rate*(1+time.Since(begin).Seconds()); float64(came) > most {
		t.Errorf("%d units come, want %.0f", came, most)
	}
}

// TestManyMedias announces more than a stream has.
func TestManyMedias(t *testing.T) {
	addr, _ := listen(t, &rtsp.Server{Handler: drain})
	r := dial(t, addr, nil)
	response := r.want(t, base.StatusForbidden, "ANNOUNCE", r.url, "", describe(small(t))+strings.Repeat("m=audio 0 RTP/AVP 0\r\n", 16))
	if !strings.Contains(response.StatusMessage, "17 medias") {
		t.Errorf("it is told %q", response.StatusMessage)
	}
}
