package rtsp_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// TestGuesses has ten connections of one address guess at a password, each anew as soon as it is answered. They get to few, a right
// password from the same address is let in, and one from another does not have to wait.
func TestGuesses(t *testing.T) {
	sdp := describe(small(t))
	basic := func(password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+password)) + "\r\n"
	}
	digest := "Authorization: Digest username=\"me\", realm=\"ipcam\", nonce=\"0\", uri=\"rtsp://pipe/live/cam\", response=\"%032x\"\r\n"
	for _, method := range []string{"Basic", "Digest"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := ingesttest.NewListener()
				stop := run(t, &rtsp.Server{Handler: drain, Authenticate: func(_ context.Context, l *rtsp.Login) error {
					if !l.Knows("secret") {
						return rtsp.ErrUnauthorized
					}
					return nil
				}}, ln)
				var guesses atomic.Int64
				end := make(chan struct{})
				var guessing sync.WaitGroup
				for range 10 {
					guessing.Go(func() {
						for ingesttest.Wait(end, time.Millisecond) {
							r := wrap(t, ln.DialFrom("192.0.2.1"), "rtsp://pipe/live/cam")
							header := basic(fmt.Sprint(guesses.Load()))
							if method == "Digest" {
								header = fmt.Sprintf(digest, guesses.Load())
							}
							if response, err := r.request("ANNOUNCE", r.url, header, sdp); err == nil {
								guesses.Add(1)
								if response.StatusCode != base.StatusUnauthorized {
									t.Errorf("a guess is answered with %d", response.StatusCode)
								}
							}
							_ = r.Close()
						}
					})
				}
				time.Sleep(5 * time.Second)
				guesses.Store(0)
				const seconds = 20
				for range seconds / 10 {
					time.Sleep(10 * time.Second)
					for ip, most := range map[string]time.Duration{"192.0.2.1": 3 * time.Second, "192.0.2.2": 0} {
						r, begin := wrap(t, ln.DialFrom(ip), "rtsp://pipe/live/"+ip), time.Now()
						r.want(t, base.StatusOK, "ANNOUNCE", r.url, basic("secret"), sdp)
						if took := time.Since(begin); took > most {
							t.Errorf("a right password from %s is let in after %v", ip, took)
						}
						_ = r.Close()
					}
				}
				if n := guesses.Load(); n > 20*seconds*2 {
					t.Errorf("%d guesses in %d seconds", n, seconds)
				}
				close(end)
				stop()
				guessing.Wait()
			})
		})
	}
}
