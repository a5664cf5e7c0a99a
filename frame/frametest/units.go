package frametest

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// Epoch is when the first picture of a clip was shown, as Units tells it.
var Epoch = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// Units encodes the clip and returns its access units in decoding order. Their Time is Epoch plus their PTS.
func (c Clip) Units(tb testing.TB) []frame.AccessUnit {
	tb.Helper()
	return Units(tb, c.File(tb))
}

// Units returns the access units of an FLV file, as Clip.Units does.
func Units(tb testing.TB, path string) []frame.AccessUnit {
	tb.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var units []frame.AccessUnit
	var video flv.Video
	const header, tagHeader, trailer, typeVideo = 13, 11, 4, 9
	for b := file[header:]; len(b) >= tagHeader; {
		size := int(binary.BigEndian.Uint32(b) & 0xffffff)
		ms := int64(b[7])<<24 | int64(b[4])<<16 | int64(b[5])<<8 | int64(b[6])
		if b[0] == typeVideo {
			if err := video.Take(time.Duration(ms)*time.Millisecond, Epoch, b[tagHeader:tagHeader+size]); err != nil {
				tb.Fatal(err)
			}
			if video.Ready() {
				u, _ := video.Next()
				u.Time = Epoch.Add(u.PTS)
				units = append(units, u)
			}
		}
		b = b[tagHeader+size+trailer:]
	}
	return units
}

// GOPs encodes the clip and returns its access units cut into GOPs.
func (c Clip) GOPs(tb testing.TB) []frame.GOP {
	tb.Helper()
	var gops []frame.GOP
	for _, u := range c.Units(tb) {
		if u.Key {
			gops = append(gops, nil)
		}
		last := len(gops) - 1
		gops[last] = append(gops[last], u)
	}
	return gops
}
