package flv_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// sliced returns what encoders make of ten pictures in four slices each.
func sliced(t *testing.T) []stream {
	t.Helper()
	return []stream{
		h264Stream(encode(t, "-c:v libx264 -preset veryfast -bf 2 -x264-params slices=4 -bsf:v h264_metadata=aud=insert -f h264")),
		h265Stream(encode(t, "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=5:scenecut=0:bframes=2:b-adapt=0:open-gop=0:slices=3:aud=1 "+
			"-f hevc")),
	}
}

// A piece is what comes in one tag.
type piece [][]byte

// isSlice reports whether a NAL unit is a slice of a picture.
func (s stream) isSlice(n []byte) bool {
	if s.codec == frame.H264 {
		return n[0]&0x1f >= 1 && n[0]&0x1f <= 5
	}
	return n[0]>>1&0x3f < 32
}

func (s stream) isDelimiter(n []byte) bool { return s.left(n) }

// Ways to cut a picture into tags.
var cuts = []struct {
	about string
	cut   func(s stream, nals [][]byte) []piece
}{
	{"a tag for each NAL unit", func(_ stream, nals [][]byte) (all []piece) {
		for _, n := range nals {
			all = append(all, piece{n})
		}
		return all
	}},
	{"the same without delimiters", func(s stream, nals [][]byte) (all []piece) {
		for _, n := range nals {
			if !s.isDelimiter(n) {
				all = append(all, piece{n})
			}
		}
		return all
	}},
	{"a tag for each slice, with what comes before it", func(s stream, nals [][]byte) []piece {
		all := []piece{nil}
		for _, n := range nals {
			last := len(all) - 1
			if all[last] = append(all[last], n); s.isSlice(n) {
				all = append(all, nil)
			}
		}
		return all[:len(all)-1]
	}},
	{"parameter sets before each slice", func(s stream, nals [][]byte) (all []piece) {
		var sets piece
		for _, n := range nals {
			switch {
			case s.isSet(n):
				sets = append(sets, n)
			case s.isSlice(n):
				all = append(all, append(slices.Clone(sets), n))
			}
		}
		return all
	}},
	{"the first slice, and then the others", func(s stream, nals [][]byte) []piece {
		first := slices.IndexFunc(nals, s.isSlice) + 1
		return []piece{nals[:first], nals[first:]}
	}},
}

// whole returns the units of a stream whose pictures come in a tag each.
func (s stream) whole(t *testing.T) (units []frame.AccessUnit) {
	t.Helper()
	var v flv.Video
	for i, nals := range s.units {
		u, ok, err := unit(&v, time.Duration(i)*40*time.Millisecond, bodyOf(s, nals))
		if err != nil || !ok {
			t.Fatalf("picture %d: %v, %v", i, ok, err)
		}
		units = append(units, u)
	}
	return units
}

// bodyOf returns the body of a tag with NAL units of a stream, whose parameter sets are in band.
func bodyOf(s stream, nals [][]byte) []byte { return tag(codedFramesX, s.fourCC, lengths(nals...)...) }

// TestJoining cuts pictures into tags. They come out as if they had come whole; of a Video whose FirstWaits is not set, from the second one on.
func TestJoining(t *testing.T) {
	for _, s := range sliced(t) {
		want := s.whole(t)
		for _, test := range cuts {
			for about, apart := range map[string]time.Duration{"at one instant": 0, "a millisecond apart": time.Millisecond} {
				for _, firstWaits := range []bool{true, false} {
					got := s.cutUp(t, flv.Video{FirstWaits: firstWaits}, apart, test.cut)
					from := 0
					if !firstWaits { // the first is cut off, and so the second is Lost
						from = 1
						if len(got) != len(want) || !got[1].Lost && !got[1].Key {
							t.Errorf("%v, %s, %s: %d units", s.codec, test.about, about, len(got))
							continue
						}
						got[1].Lost = false
					}
					compare(t, s, test.about+" "+about, got[min(from, len(got)):], want[from:])
				}
			}
		}
	}
}

// cutUp gives v the pictures of a stream cut up, and returns all units.
func (s stream) cutUp(t *testing.T, v flv.Video, apart time.Duration, cut func(stream, [][]byte) []piece) (units []frame.AccessUnit) {
	t.Helper()
	take := func() {
		for v.Ready() {
			u, _ := v.Next()
			units = append(units, u)
		}
	}
	told := 0
	for i, nals := range s.units {
		for k, p := range cut(s, nals) {
			body := bodyOf(s, p)
			if err := v.Take(time.Duration(i)*40*time.Millisecond+time.Duration(k)*apart, time.Now(), body); err != nil {
				if told++; told > 1 || v.FirstWaits {
					t.Errorf("picture %d, tag %d: %v", i, k, err)
				}
			}
			clear(body)
			take()
		}
	}
	v.Flush()
	take()
	return units
}

// compare compares units, except for delimiters and the millisecond by which their first tag was late.
func compare(t *testing.T, s stream, about string, got, want []frame.AccessUnit) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%v, %s: %d units, want %d", s.codec, about, len(got), len(want))
		return
	}
	for i, u := range got {
		w := want[i]
		if u.Key != w.Key || u.Lost || (u.DTS-w.DTS).Abs() > 10*time.Millisecond || !sameSlices(s, u.Data, w.Data) {
			t.Errorf("%v, %s: unit %d: key %v, lost %v, at %v, %d bytes; want key %v, at %v, %d bytes", s.codec, about, i,
				u.Key, u.Lost, u.DTS, len(u.Data), w.Key, w.DTS, len(w.Data))
		}
	}
}

// sameSlices reports whether two units have the same slices and, if they are key units, the same sets.
func sameSlices(s stream, a, b []byte) bool {
	only := func(data []byte) (kept [][]byte) {
		for _, n := range bytes.Split(data, []byte{0, 0, 0, 1}) {
			if len(n) > 0 && (s.isSlice(n) || s.isSet(n)) {
				kept = append(kept, n)
			}
		}
		return kept
	}
	return slices.EqualFunc(only(a), only(b), bytes.Equal)
}

// TestJoiningIsNoDelay: as long as pictures come whole, each is there at once; later it is there with the tag that begins the next, or when it is due.
func TestJoiningIsNoDelay(t *testing.T) {
	for _, s := range sliced(t) {
		v := flv.Video{FirstWaits: true}
		now := time.Now()
		at := func(i int) time.Duration { return time.Duration(i) * 40 * time.Millisecond }
		give := func(i int, nals [][]byte) (units int) {
			t.Helper()
			if err := v.Take(at(i), now.Add(at(i)), bodyOf(s, nals)); err != nil {
				t.Fatalf("%v: picture %d: %v", s.codec, i, err)
			}
			for v.Ready() {
				u, arrival := v.Next()
				if arrival != now.Add(u.DTS) {
					t.Errorf("%v: unit at %v arrived at %v", s.codec, u.DTS, arrival.Sub(now))
				}
				units++
			}
			return units
		}
		got := []int{give(0, s.units[0]), give(1, s.units[1]), give(2, s.units[2])}
		last := len(s.units[3]) - 1
		got = append(got, give(3, s.units[3][:last]))
		if want := []int{0, 2, 1, 1}; !slices.Equal(got, want) {
			t.Errorf("%v: whole pictures make %v units, want %v", s.codec, got, want)
		}
		if err := v.Take(at(3), now.Add(at(3)), bodyOf(s, s.units[3][last:])); err == nil || !v.Due().IsZero() {
			t.Errorf("%v: the rest of a picture: %v, due %v", s.codec, err, v.Due())
		}
		if n := give(4, s.units[4]); n != 0 || v.Due().Sub(now) != at(4)+100*time.Millisecond || v.Buffered() == 0 {
			t.Errorf("%v: after that a picture makes %d units, due %v", s.codec, n, v.Due().Sub(now))
		}
		v.Flush()
		if u, _ := v.Next(); u.Lost == u.Key || !v.Due().IsZero() {
			t.Errorf("%v: the unit after what was left out: key %v, lost %v", s.codec, u.Key, u.Lost)
		}
	}
}

// TestJoiningIsBounded gives slices of one picture without end.
func TestJoiningIsBounded(t *testing.T) {
	for _, s := range sliced(t) {
		v := flv.Video{FirstWaits: true, MaxJoined: 1 << 20}
		most := 0
		for range 500 {
			for _, n := range s.units[0] {
				if s.isSlice(n) && !isFirst(s, n) {
					n = append(bytes.Clone(n), bytes.Repeat([]byte{0xaa}, 5000)...)
				}
				if err := v.Take(0, time.Now(), bodyOf(s, [][]byte{n})); err != nil {
					t.Fatal(err)
				}
			}
			for v.Ready() {
				u, _ := v.Next()
				if len(u.Data) > 1<<20+8<<10 {
					t.Fatalf("%v: a unit of %d bytes", s.codec, len(u.Data))
				}
			}
			most = max(most, v.Buffered())
		}
		if most > 3<<20 {
			t.Errorf("%v: %d bytes", s.codec, most)
		}
	}
}

func isFirst(s stream, n []byte) bool {
	if s.codec == frame.H264 {
		return n[1]&0x80 != 0
	}
	return n[2]&0x80 != 0
}
