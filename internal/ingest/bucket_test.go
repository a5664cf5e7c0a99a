package ingest_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest"
)

// A spring is a connection from which as much can be read as is wanted, or a message of 100 bytes in each interval.
type spring struct {
	net.Conn
	interval time.Duration
}

func (s spring) Read(p []byte) (int, error) {
	if s.interval > 0 {
		fakeclock.Pass(s.interval)
		return min(100, len(p)), nil
	}
	return len(p), nil
}

func (spring) Close() error { return nil }

// TestBucket reads for a minute. Nobody reads more messages than a publisher may send, however small they are, and those who send what
// publishers do need not wait at all.
func TestBucket(t *testing.T) {
	for _, test := range []struct {
		about       string
		interval    time.Duration // of a publisher; zero for a flood
		size        int           // bytes of a message
		least, most int           // messages
	}{
		{"a flood of bytes that are messages", 0, 1, ingest.Burst + 59*ingest.Rate, 5*ingest.Burst + 61*ingest.Rate},
		{"a flood of small messages", 0, 7, ingest.Burst + 59*ingest.Rate, ingest.Burst + 61*ingest.Rate},
		{"a flood of packets", 0, 50, ingest.Burst + 59*ingest.Rate, ingest.Burst + 61*ingest.Rate},
		{"a publisher at a thousand a second", time.Millisecond, 100, 60_000, 60_000},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := ingest.NewConn(spring{interval: test.interval})
				begin, messages, b := time.Now(), 0, make([]byte, 32<<10)
				for time.Since(begin) < time.Minute {
					n, err := c.Read(b)
					if err != nil {
						t.Fatal(err)
					}
					messages += n / test.size
					c.Spend(float64(n / test.size))
				}
				if messages < test.least || messages > test.most {
					t.Errorf("%d messages, want %d to %d", messages, test.least, test.most)
				}
			})
		})
	}
}

// TestTake takes what cannot wait.
func TestTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ingest.NewConn(spring{})
		taken := 0
		for range 60 {
			for range 10 * ingest.Rate {
				if c.Take(1) {
					taken++
				}
			}
			fakeclock.Pass(time.Second)
		}
		if least := ingest.Burst + 58*ingest.Rate; taken < least || taken > least+2*ingest.Rate {
			t.Errorf("%d are taken in a minute", taken)
		}
	})
}

// TestCloseEndsTheWait closes what owes an hour.
func TestCloseEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := ingest.NewConn(ours)
		c.Spend(ingest.Burst + 3600*ingest.Rate)
		time.AfterFunc(time.Second, func() { _ = c.Close() })
		begin := time.Now()
		if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(begin) != time.Second {
			t.Errorf("it ends after %v with %v", time.Since(begin), err)
		}
		if _, err := theirs.Write([]byte{1}); err == nil {
			t.Error("the peer's side is open")
		}
		_ = c.Close()
	})
}
