package bitstream

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/frame"
)

// FuzzGuardRow writes a sequence parameter set of any bytes with a row more. What is written is what was wanted, by mediacommon's reading and
// by ours; a set that readers may differ in is not written at all.
func FuzzGuardRow(f *testing.F) {
	f.Fuzz(func(t *testing.T, set []byte) {
		if len(set) == 0 {
			return
		}
		sps, ok := parseSPS(set)
		if !ok || !sps.agreed {
			return
		}
		higher := addRow(set, sps)
		if higher == nil {
			return
		}
		if malformed(higher) || len(higher) > len(set)+64 {
			t.Fatalf("% x became % x", set, higher)
		}
		again, ok := heightAt(higher)
		var got h264.SPS
		if !ok || again != sps.heightAt || got.Unmarshal(higher) != nil {
			t.Fatalf("% x became % x, which cannot be read", set, higher)
		}
		if got.Width() != sps.Width() || got.Height() != sps.Height() || got.PicHeightInMapUnitsMinus1 != sps.PicHeightInMapUnitsMinus1+1 {
			t.Fatalf("% x of %d x %d became % x of %d x %d", set, sps.Width(), sps.Height(), higher, got.Width(), got.Height())
		}
		got.PicHeightInMapUnitsMinus1, got.LevelIdc, got.FrameCropping = sps.PicHeightInMapUnitsMinus1, sps.LevelIdc, sps.FrameCropping
		if sps.VUI == nil {
			got.VUI = nil
		}
		if !reflect.DeepEqual(got, sps.SPS) {
			t.Fatalf("% x became % x, where more is another", set, higher)
		}
	})
}

// FuzzTracker reads units of any bytes, cut at the separator. It ends, remembers no more than it may, and tells of the same units the same.
func FuzzTracker(f *testing.F) {
	f.Fuzz(func(t *testing.T, h265 bool, b []byte) {
		c := frame.H264
		if h265 {
			c = frame.H265
		}
		var tr, again Tracker
		var guard *GuardRow
		for i, data := range bytes.Split(b, []byte{0xff, 0xff, 0xfe, 0xfe}) {
			u := &frame.AccessUnit{Codec: c, Key: i == 0, Data: data}
			h := tr.Next(u)
			if h.Status != again.Next(u).Status {
				t.Fatalf("% x is two things", data)
			}
			if h.Droppable && !h.NonReference || h.BeforeRecovery && !h.NoIDR {
				t.Fatalf("%+v contradicts itself", h.Status)
			}
			if c == frame.H264 && i == 0 {
				guard = NewGuardRow(h)
			}
			if guard != nil && guard.Fits(h) {
				// Each sequence parameter set may grow, and once there is the row: its slice and set.
				if more := len(guard.AppendUnit(nil, h)) - len(data); more > 64*(2+len(h.NALs))+guard.Frame.Width {
					t.Fatalf("% x grew by %d bytes", data, more)
				}
			}
		}
		if len(tr.h265.sps) > maxSPSH265 || len(tr.h265.pps) > maxPPSH265 || len(tr.h265.have) > maxLongTerm+1+2*255 ||
			len(tr.h264.orders.newer)+len(tr.h264.orders.older) > 2*minRemembered {
			t.Fatal("it remembers too much")
		}
	})
}
