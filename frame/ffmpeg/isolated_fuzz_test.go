package ffmpeg_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// FuzzLiar has a child say any bytes, which may be made of true answers. Whatever they are, the sequence ends; it has no picture twice, none that
// nobody wants, and none that is larger than it may be; and what it ends with, if not well, is an *Error that is printable.
func FuzzLiar(f *testing.F) {
	g := frame.GOP{}
	for i := range 4 {
		g = append(g, frame.AccessUnit{Codec: frame.H264, Key: i == 0, PTS: time.Duration(i), Time: time.Unix(int64(i), 0), Data: []byte{0, 0, 1, 9}})
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		const maxPixels = 640 * 480
		d := ffmpeg.Liar(bytes.NewReader(says), maxPixels)
		defer d.Close()
		got := map[int]bool{}
		ended := false
		for l, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) {
			for i, u := range g {
				if !yield(u, i != 1) {
					return
				}
			}
		}) {
			if ended {
				t.Fatal("something after an error")
			}
			if err != nil {
				ended = true
				var typed *ffmpeg.Error
				if !errors.As(err, &typed) || typed.Step == "" {
					t.Fatal(err)
				}
				for _, c := range err.Error() {
					if c < ' ' || c == 0x7f {
						t.Fatalf("%q", err)
					}
				}
				continue
			}
			if l.Unit < 0 || l.Unit >= len(g) || l.Unit == 1 || got[l.Unit] || l.PTS != g[l.Unit].PTS {
				t.Fatalf("%+v", l)
			}
			got[l.Unit] = true
			if l.Hidden {
				continue
			}
			p, err := l.Develop()
			if err != nil {
				continue
			}
			if w, h := p.Rect.Dx(), p.Rect.Dy(); w <= 0 || h <= 0 || w*h > maxPixels || len(p.Y) != w*h || !p.Time.Equal(g[l.Unit].Time) {
				t.Fatalf("a picture of %v at %v", p.Rect, p.Time)
			}
		}
	})
}

// FuzzChild tells a child any bytes, which may be made of true requests. Whatever they are, it ends, and says only answers.
func FuzzChild(f *testing.F) {
	f.Fuzz(func(t *testing.T, told []byte) {
		var said bytes.Buffer
		err := ffmpeg.Serve(&ears{bytes.NewReader(told), &said}, 640*480*3)
		if n := ffmpeg.CountAnswers(said.Bytes()); n < 0 {
			t.Fatalf("%d bytes that are no answers, %v", said.Len(), err)
		}
	})
}

// Ears read what is told, and keep what is said.
type ears struct {
	*bytes.Reader
	said *bytes.Buffer
}

func (e *ears) Write(b []byte) (int, error) { return e.said.Write(b) }
