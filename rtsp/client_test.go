package rtsp_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

var (
	errNoPorts = errors.New("no free ports")
	errEnough  = errors.New("enough")
	errStop    = ingesttest.ErrStop
)

// ample is longer than any stall of a busy machine. It stands where a time out must not come, and bounds times of day.
const ample = 5 * time.Minute

// collect pulls until it has n units of one stream; one that ends before is pulled again.
func collect(t *testing.T, c *rtsp.Client, n int) (s *frame.Stream, units []frame.AccessUnit) {
	t.Helper()
	c.Timeout = cmp.Or(c.Timeout, ample)
	c.Logger = slog.New(slog.DiscardHandler)
	c.Handler = frame.HandlerFunc(func(_ context.Context, stream *frame.Stream) error {
		s, units = stream, nil
		for u, err := range stream.Units {
			if err != nil {
				return err
			}
			if units = append(units, u); len(units) == n {
				return errEnough
			}
		}
		return nil
	})
	if err := c.Run(context.Background()); !errors.Is(err, errEnough) {
		t.Fatalf("Run returned %v after %d units, want what the Handler did", err, len(units))
	}
	return s, units
}

func TestClientPulls(t *testing.T) {
	for _, test := range []struct {
		about string
		clip  frametest.Clip
		udp   bool
		pass  func(*rtp.Packet, []gortsplib.Transport) bool
		tls   bool
		want  gortsplib.Transport
	}{
		{"over UDP", frametest.Clip{}, true, nil, false, gortsplib.TransportUDP},
		{"over TCP, since the server wants it so", frametest.Clip{}, false, nil, false, gortsplib.TransportTCP},
		{"over TCP, since nothing comes through over UDP", frametest.Clip{}, true, func(_ *rtp.Packet, ts []gortsplib.Transport) bool {
			return slices.Contains(ts, gortsplib.TransportTCP)
		}, false, gortsplib.TransportTCP},
		{"B-frames over UDP", frametest.Clip{BFrames: 2}, true, nil, false, gortsplib.TransportUDP},
		{"B-frames over TCP", frametest.Clip{BFrames: 2}, false, nil, false, gortsplib.TransportTCP},
		{"large pictures over UDP", frametest.Clip{Width: 1280, Height: 720}, true, nil, false, gortsplib.TransportUDP},
		{"TLS, and TCP", frametest.Clip{}, false, nil, true, gortsplib.TransportTCP},
		{"TLS, and SRTP over UDP", frametest.Clip{}, true, nil, true, gortsplib.TransportUDP},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			s := server{pass: test.pass}
			var c rtsp.Client
			if test.tls {
				web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
				defer web.Close()
				s.TLSConfig = web.TLS
				c.TLSConfig = web.Client().Transport.(*http.Transport).TLSClientConfig
			}
			s.start(t, "", test.udp)
			s.publish(t, test.clip)
			c.URL = s.url() + "?quality=best"
			stream, units := collect(t, &c, 50)
			if stream.Name != "cam" || stream.Query.Get("quality") != "best" || stream.Remote.String() != s.addr {
				t.Errorf("stream %s from %v, query %v", stream.Name, stream.Remote, stream.Query)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if transport := s.played[len(s.played)-1]; transport != test.want {
				t.Errorf("it was played over %v, want %v", transport, test.want)
			}
			check(t, units, test.clip.Units(t))
		})
	}
}

// check checks units of a clip that is published over and over.
func check(t *testing.T, units, clip []frame.AccessUnit) {
	t.Helper()
	at := slices.IndexFunc(clip, func(u frame.AccessUnit) bool { return bytes.Equal(u.Data, units[0].Data) })
	if at < 0 || !units[0].Key {
		t.Fatalf("begins with unit %d of the clip, key %v", at, units[0].Key)
	}
	for i, u := range units {
		want := clip[(at+i)%len(clip)]
		if u.Lost || u.Key != want.Key || !bytes.Equal(u.Data, want.Data) || u.Codec != frame.H264 {
			t.Fatalf("unit %d: lost %v, key %v, %d bytes; want key %v, %d bytes", i, u.Lost, u.Key, len(u.Data), want.Key, len(want.Data))
		}
		if u.Key && !slices.Equal(kinds(u)[:2], []byte{7, 8}) {
			t.Errorf("key unit %d has NAL units %v, want parameter sets first", i, kinds(u))
		}
		if u.DTS > u.PTS || i > 0 && u.DTS < units[i-1].DTS {
			t.Errorf("unit %d: PTS %v, DTS %v", i, u.PTS, u.DTS)
		}
		if off := u.PTS - units[0].PTS - (want.PTS - clip[at].PTS); at+i < len(clip) && off.Abs() > 2*time.Millisecond {
			t.Errorf("unit %d: PTS is %v off", i, off)
		}
		if age := time.Since(u.Time); age.Abs() > ample {
			t.Errorf("unit %d was shown %v ago", i, age)
		}
	}
}

// kinds returns the types of the NAL units of u.
func kinds(u frame.AccessUnit) (kinds []byte) {
	for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
		kinds = append(kinds, n[0]&0x1f)
	}
	return kinds
}

func TestClientMarksLoss(t *testing.T) {
	clip := frametest.Clip{Width: 640, Height: 360, Noise: 10}
	encoded := clip.Units(t)
	for _, udp := range []bool{true, false} {
		n := 0
		s := server{pass: func(*rtp.Packet, []gortsplib.Transport) bool { n++; return n%50 != 0 }}
		s.start(t, "", udp)
		s.publish(t, clip)
		_, units := collect(t, &rtsp.Client{URL: s.url()}, 60)
		lost := 0
		for i, u := range units {
			if u.Lost {
				lost++
			} else if !slices.ContainsFunc(encoded, func(e frame.AccessUnit) bool { return bytes.Equal(e.Data, u.Data) }) {
				t.Errorf("over UDP %v: unit %d is damaged and not marked", udp, i)
			}
		}
		if lost == 0 || lost == len(units) {
			t.Errorf("over UDP %v: %d of %d units are lost", udp, lost, len(units))
		}
	}
}

func TestClientReconnects(t *testing.T) {
	var first server
	first.start(t, frametest.FreeAddr(t), true)
	first.publish(t, frametest.Clip{})
	began, ended := make(chan struct{}), make(chan error)
	c := rtsp.Client{URL: first.url(), Retry: 10 * time.Millisecond, MaxRetry: 50 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
		Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			once := false
			for u, err := range s.Units {
				if err != nil {
					ended <- err
					return err
				}
				if !once {
					once = true
					if !u.Key || u.Lost {
						t.Errorf("begins with key %v, lost %v", u.Key, u.Lost)
					}
					began <- struct{}{}
				}
			}
			return nil
		})}
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	<-began
	first.stop()
	var e *rtsp.Error
	if err := <-ended; !errors.As(err, &e) || e.Step != "receive" || e.Stream != "cam" || e.Server != first.addr {
		t.Errorf("the stream ended with %v", err)
	}
	var second server
	second.start(t, first.addr, true)
	kill := second.publish(t, frametest.Clip{})
	<-began
	kill() // the server stays
	if err := <-ended; err == nil {
		t.Error("the publisher went without a word, and the stream ended well")
	}
	second.publish(t, frametest.Clip{})
	<-began
	cancel(errStop)
	if err := <-ended; !errors.Is(err, errStop) {
		t.Errorf("the stream ended with %v, want the cause of the context", err)
	}
	if err := <-done; !errors.Is(err, errStop) {
		t.Errorf("Run returned %v, want the cause of its context", err)
	}
	if transport := <-second.left; transport != gortsplib.TransportUDP {
		t.Errorf("%v was torn down", transport)
	}
}

// A transcript is a Logger's output, a record at a time.
type transcript chan string

func (tr transcript) Write(b []byte) (int, error) {
	select {
	case tr <- string(b):
	default:
	}
	return len(b), nil
}

// await waits for a record with text in it.
func (tr transcript) await(t *testing.T, text string) {
	t.Helper()
	for record := range tr {
		if strings.Contains(record, secret) {
			t.Errorf("a log record shows the password: %s", record)
		}
		if strings.Contains(record, text) {
			return
		}
	}
}
