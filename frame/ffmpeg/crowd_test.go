package ffmpeg_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A few bytes cannot make FFmpeg work for minutes, whatever they are. Each of these would take it as long if it were given all.
func TestCrowdedUnits(t *testing.T) {
	h264 := frametest.Clip{Width: 1920, Height: 1080, Frames: 2, GOP: 2}.GOPs(t)[0]
	sof := []byte{0xff, 0xc2, 0, 17, 8, 4320 >> 8, 4320 & 255, 8192 >> 8, 0, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0}
	other := bytes.Replace(sof, []byte{8192 >> 8, 0}, []byte{8000 >> 8, 8000 & 255}, 1)
	for name, tt := range map[string]struct {
		codec frame.Codec
		data  []byte
		after bool // it comes after a key picture
	}{
		"H.264, start codes":                   {frame.H264, bytes.Repeat([]byte{0, 0, 1}, 2<<20), false},
		"H.264, NAL units of a byte":           {frame.H264, bytes.Repeat([]byte{0, 0, 1, 0x65}, 2<<20), false},
		"H.264, slices to the end":             {frame.H264, bytes.Repeat([]byte{0, 0, 1, 0x41, 0x9a, 0x02, 0x7f, 0xc0, 0x03, 0xfb}, 8000), true},
		"H.264, messages":                      {frame.H264, append([]byte{0, 0, 1, 6}, bytes.Repeat(append([]byte{5, 17}, bytes.Repeat([]byte{1}, 17)...), 400_000)...), true},
		"H.265, start codes":                   {frame.H265, bytes.Repeat([]byte{0, 0, 1}, 2<<20), false},
		"H.265, messages":                      {frame.H265, append([]byte{0, 0, 1, 78, 1}, bytes.Repeat(append([]byte{5, 17}, bytes.Repeat([]byte{1}, 17)...), 400_000)...), false},
		"AV1, pictures shown again":            {frame.AV1, bytes.Repeat([]byte{0x1a, 1, 0x80}, 2<<20), false},
		"MJPEG, sizes that change":             {frame.MJPEG, append([]byte{0xff, 0xd8}, bytes.Repeat(slices.Concat(sof, other), 2000)...), false},
		"MJPEG, scans of a progressive file":   {frame.MJPEG, slices.Concat([]byte{0xff, 0xd8}, sof, bytes.Repeat([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 1, 5, 0, 0xaa}, 100_000)), false},
		"MPEG-4, start codes":                  {frame.MPEG4, bytes.Repeat([]byte{0, 0, 1}, 2<<20), false},
		"VP9, a superframe of superframes":     {frame.VP9, bytes.Repeat([]byte{0x82, 0xc9, 0, 0, 0xc9}, 1<<20), false},
		"VP8, a frame that is nothing":         {frame.VP8, bytes.Repeat([]byte{0x10}, 8<<20), false},
		"H.264, eight megabytes of zeros":      {frame.H264, make([]byte, 8<<20), false},
		"H.264, emulation prevention all over": {frame.H264, append([]byte{0, 0, 1, 0x65}, bytes.Repeat([]byte{0, 0, 3}, 2<<20)...), true},
	} {
		t.Run(name, func(t *testing.T) {
			g := frame.GOP{{Codec: tt.codec, Key: true, Data: tt.data}}
			if tt.after {
				g = frame.GOP{h264[0], {Codec: tt.codec, PTS: h264[0].PTS + time.Second, Time: h264[0].Time.Add(time.Second), Data: tt.data}}
			}
			begun := time.Now()
			for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), g, time.Time{}) {
				if p != nil && !p.Corrupt && p.PTS != h264[0].PTS {
					t.Errorf("a picture, %v", err)
				}
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// setsH265 returns a sequence parameter set of H.265 with the id 1, for pictures of a size, and n picture parameter sets that belong to it.
func setsH265(width, height uint32, n int) (sps []byte, pps [][]byte) {
	var w bitio.Writer
	w.Put(0x4201, 16)
	w.Put(1, 8) // one layer
	w.Put(0x01_60000000, 40)
	w.Put(0, 48)
	w.Put(93, 8)
	for _, v := range []uint32{1, 1, width, height} {
		w.UE(v)
	}
	w.Put(0, 1)
	for _, v := range []uint32{0, 0, 4} { // 8 bits, order of 8 bits
		w.UE(v)
	}
	w.Put(1, 1)
	for _, v := range []uint32{0, 0, 0, 0, 1, 0, 2, 0, 0} { // blocks of 16, which is when there are the most
		w.UE(v)
	}
	w.Put(0, 4)
	w.UE(0)
	w.Put(0, 5)
	w.Stop()
	for id := range n {
		var p bitio.Writer
		p.Put(0x4401, 16)
		p.UE(uint32(1 + id%63))
		p.UE(1)
		p.Put(0, 7)
		for range 3 {
			p.UE(0)
		}
		p.Put(0, 3)
		p.UE(0)
		p.UE(0)
		p.Put(0, 10)
		p.UE(0)
		p.Put(0, 2)
		p.Stop()
		pps = append(pps, p.NAL())
	}
	return w.NAL(), pps
}

// FFmpeg makes tables for each parameter set, whether a slice uses it or not. So the pictures that they tell of are compared with what the GOP
// may take, in whatever unit they come, and a unit has only so many.
func TestFloodOfParameterSets(t *testing.T) {
	g := encode(t, frame.H265, bytes.Repeat([]byte{128}, 64*64*3/2*2), "yuv420p", 64, 64, "-c:v", "libx265", "-x265-params", "log-level=none", "hevc")
	nals := bitstream.SplitAnnexB(nil, g[0].Data)
	second := g[0]
	second.Key, second.PTS, second.Time = false, time.Second, second.Time.Add(time.Second)
	second.Data = bitstream.AppendAnnexB(nil, nals[len(nals)-1])
	g[0].Data, g = nil, append(g, second)
	for _, n := range nals[:len(nals)-1] {
		g[0].Data = bitstream.AppendAnnexB(g[0].Data, n)
	}
	huge, many := setsH265(16000, 16000, 63)
	fits, most := setsH265(64, 64, 8000)
	for _, tt := range []struct {
		name   string
		unit   int // that has the sets, of a GOP of two
		sets   [][]byte
		costly bool // the GOP ends; else the unit is damaged
	}{
		{"of pictures that no stream may have, in a key unit", 0, append([][]byte{huge}, many...), true},
		{"and in another", 1, append([][]byte{huge}, many...), true},
		{"none", 1, nil, false},
		{"whose size alone can be read", 1, append([][]byte{huge[:30]}, many...), true},
		{"thousands of small pictures", 1, append([][]byte{fits}, most...), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var data []byte
			for _, n := range tt.sets {
				data = bitstream.AppendAnnexB(data, n)
			}
			h := slices.Clone(g)
			h[tt.unit].Data = append(data, h[tt.unit].Data...)
			var failed error
			sound := 0
			for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), h, time.Time{}) {
				if failed = err; p != nil && !p.Corrupt {
					sound++
				}
			}
			if errors.Is(failed, frame.ErrTooCostly) != tt.costly || sound > 1 && tt.sets != nil || tt.sets == nil && sound != 2 {
				t.Errorf("%d sound pictures, %v", sound, failed)
			}
		})
	}
}
