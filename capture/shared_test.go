package capture_test

import (
	"io"
	"sync"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// piecemeal is an Encoder that writes its file in pieces, so that a buffer grows beyond it.
type piecemeal struct{}

func (piecemeal) Type() string { return "image/x-test" }
func (piecemeal) Encode(w io.Writer, _ *frame.Picture) error {
	for range 100 {
		if _, err := w.Write([]byte("piece")); err != nil {
			return err
		}
	}
	return nil
}

// TestSharedFile has two captures share an image file, and each append to it, as who adds metadata behind a picture may: neither finds what the
// other has appended.
func TestSharedFile(t *testing.T) {
	cam := &capture.Camera{Decoder: &decoder{}, Encoder: piecemeal{}}
	for _, u := range units(10, 10, false) {
		cam.History.Add(u)
	}
	var stills [2]*capture.Still
	var taps sync.WaitGroup
	for i := range stills {
		taps.Go(func() {
			var err error
			if stills[i], err = cam.Capture(t.Context(), capture.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	taps.Wait()
	if t.Failed() {
		return
	}
	bob, carol := stills[0].Data, stills[1].Data
	bob = append(bob, "bob"...)
	carol = append(carol, "carol"...)
	if got, want := string(bob[len(bob)-3:]), "bob"; got != want {
		t.Errorf("%d bytes end in %q, want %q", len(bob), got, want)
	}
	if got, want := string(carol[len(carol)-5:]), "carol"; got != want {
		t.Errorf("%d bytes end in %q, want %q", len(carol), got, want)
	}
}
