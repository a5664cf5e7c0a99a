package tone_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/tone"
)

// What is done goes by what the stream says, however little, absurd or wrong.
func TestOf(t *testing.T) {
	const both = frame.ToneMapped | frame.GamutMapped
	for _, tt := range []struct {
		name   string
		signal frame.Signal
		want   frame.Changes
		same   frame.Signal // that it is taken for
	}{
		{"nothing is told", frame.Signal{Primaries: 2, Transfer: 2, Matrix: 2}, 0, frame.Signal{Primaries: 1}},
		{"the zero Signal", frame.Signal{}, 0, frame.Signal{Primaries: 1}},
		{"BT.601", frame.Signal{Primaries: 6, Transfer: 6, Matrix: 6}, 0, frame.Signal{Primaries: 1}},
		{"sRGB", frame.Signal{Primaries: 1, Transfer: 13}, 0, frame.Signal{Primaries: 1}},
		{"numbers that stand for nothing", frame.Signal{Primaries: 255, Transfer: 99, Matrix: 77}, 0, frame.Signal{Primaries: 1}},
		{"the matrix of BT.2020 alone", frame.Signal{Primaries: 2, Transfer: 2, Matrix: 9}, 0, frame.Signal{Primaries: 1}},
		{"BT.2020 of 12 bits", frame.Signal{Primaries: 9, Transfer: 15}, frame.GamutMapped, frame.Signal{Primaries: 9, Transfer: 1}},
		{"P3 of cinemas", frame.Signal{Primaries: 11}, frame.GamutMapped, frame.Signal{Primaries: 11}},
		{"PQ", frame.Signal{Primaries: 9, Transfer: 16}, both, frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 1000}},
		{"PQ of BT.601", frame.Signal{Primaries: 6, Transfer: 16}, frame.ToneMapped, frame.Signal{Primaries: 1, Transfer: 16}},
		{"PQ alone", frame.Signal{Primaries: 2, Transfer: 16, Matrix: 1}, both, frame.Signal{Primaries: 9, Transfer: 16}},
		{"PQ of BT.709", frame.Signal{Primaries: 1, Transfer: 16}, frame.ToneMapped, frame.Signal{Primaries: 1, Transfer: 16}},
		{"PQ of primaries that do not exist", frame.Signal{Primaries: 99, Transfer: 16}, both, frame.Signal{Primaries: 9, Transfer: 16}},
		{"content before its display", frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 600, MaxMastering: 4000}, both,
			frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 600}},
		{"a display alone", frame.Signal{Primaries: 9, Transfer: 16, MaxMastering: 4000}, both, frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 4000}},
		{"darker than SDR", frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 1}, both, frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 203}},
		{"brighter than PQ", frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 1 << 30}, both,
			frame.Signal{Primaries: 9, Transfer: 16, MaxContent: 10000}},
		{"less than nothing", frame.Signal{Primaries: 9, Transfer: 16, MaxContent: -5, MaxMastering: -1 << 31}, both,
			frame.Signal{Primaries: 9, Transfer: 16}},
		{"HLG knows no light levels", frame.Signal{Primaries: 9, Transfer: 18, MaxContent: 4000}, both, frame.Signal{Primaries: 9, Transfer: 18}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := tone.Of(&tt.signal)
			if got := m.Changes(); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if same := tone.Of(&tt.same); m != same {
				t.Errorf("%+v, want %+v", m, same)
			}
		})
	}
}

// Whatever is mapped is a colour that 8 bits can have; greys stay grey, black black, and brighter light does not become darker.
func TestCube(t *testing.T) {
	var cubes tone.Cubes
	for _, s := range []frame.Signal{
		{Primaries: 9, Transfer: 16}, {Primaries: 9, Transfer: 16, MaxContent: 203}, {Primaries: 1, Transfer: 16, MaxContent: 10000},
		{Primaries: 12, Transfer: 18}, {Primaries: 9, Transfer: 1}, {Primaries: 11, Transfer: 1},
	} {
		cube := cubes.Of(tone.Of(&s))
		for i := 0; i < len(cube); i += tone.Components {
			for c, v := range cube[i : i+3] {
				if !(v >= 0 && v <= 255) {
					t.Fatalf("%+v: component %d of node %d is %v", s, c, i/tone.Components, v)
				}
			}
		}
		last := float32(0)
		for n := range tone.Nodes {
			grey := cube[n*(tone.Nodes*tone.Nodes+tone.Nodes+1)*tone.Components:][:3]
			if grey[1] < 127.9 || grey[1] > 128.1 || grey[2] < 127.9 || grey[2] > 128.1 || grey[0] < last || n == 0 && grey[0] != 0 {
				t.Errorf("%+v: grey %d is %v, after %v", s, n, grey, last)
			}
			last = grey[0]
		}
		if last < 254.9 {
			t.Errorf("%+v: white is %v", s, last)
		}
	}
}

// Cubes are made once as long as they are in use, by however many at once.
func TestCubes(t *testing.T) {
	var cubes tone.Cubes
	of := func(peak int) *tone.Cube {
		m := tone.Of(&frame.Signal{Primaries: 9, Transfer: 16, MaxContent: int32(peak)})
		return cubes.Of(m)
	}
	first := of(1000)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for range 3 {
				if of(1000) != first {
					t.Error("made twice")
				}
				of(2000 + 100*(i%3))
			}
		})
	}
	all.Wait()
	if of(1000) != first {
		t.Error("one of four was made twice")
	}
	for i := range 4 {
		of(3000 + i)
	}
	if of(1000) == first {
		t.Error("a Cube is kept that was not asked for, after four others")
	}
}

func BenchmarkCube(b *testing.B) {
	for _, s := range []frame.Signal{{Primaries: 9, Transfer: 16}, {Primaries: 9, Transfer: 18}, {Primaries: 9, Transfer: 14}} {
		b.Run(fmt.Sprint("transfer ", s.Transfer), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				new(tone.Cubes).Of(tone.Of(&s))
			}
		})
	}
}
