package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// A footage is a clip to be damaged.
type footage struct {
	name  string
	finds string                                            // the kinds of damage of which nothing passes for good
	units func(t *testing.T, other bool) []frame.AccessUnit // other: another stream by the same encoder
}

func footages(t *testing.T) (all []footage) {
	t.Helper()
	const all264 = bits + inSets + slice + gap
	if *damageClips != "" {
		files, err := filepath.Glob(*damageClips)
		if err != nil || len(files) == 0 {
			t.Fatal("no clips", err)
		}
		for i, f := range files {
			all = append(all, footage{filepath.Base(f), all264, func(t *testing.T, other bool) []frame.AccessUnit {
				t.Helper()
				if other {
					return unitsOf(t, files[(i+1)%len(files)])
				}
				return unitsOf(t, f)
			}})
		}
		return all
	}
	x264 := func(bframes int, args string) func(t *testing.T, other bool) []frame.AccessUnit {
		t.Helper()
		return func(t *testing.T, other bool) []frame.AccessUnit {
			t.Helper()
			return frametest.Clip{Noise: 3, Frames: 60, GOP: 15, BFrames: bframes, Args: turned(args, other)}.Units(t)
		}
	}
	coded := func(codec frame.Codec, args string) func(t *testing.T, other bool) []frame.AccessUnit {
		t.Helper()
		return func(t *testing.T, other bool) []frame.AccessUnit {
			t.Helper()
			return encode(t, codec, turned(args, other)...)
		}
	}
	const x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:repeat-headers=1:keyint=15:min-keyint=15:scenecut=0:bframes="
	return []footage{
		{"H.264", all264 + jump, x264(0, "-slices 3")},
		{"H.264, one slice", all264 + jump, x264(0, "-x264-params sliced-threads=0:slices=1")},
		{"H.264, B-frames", all264, x264(3, "-x264-params b-adapt=0")},
		{"H.264, CAVLC", inSets + slice + gap + jump, x264(0, "-profile:v baseline -slices 2")},
		{"H.264, MBAFF", inSets + slice + gap, x264(2, "-flags +ildct+ilme -x264-params tff=1")},
		{"H.265", inSets + gap, coded(frame.H265, x265+"0")}, // of one slice: the x265 of Debian 13 crashes at several
		{"H.265, B-frames", inSets + gap, coded(frame.H265, x265+"3:b-adapt=0")},
		{"AV1", "", coded(frame.AV1, "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 15 -lag-in-frames 0")},
		{"VP9", "", coded(frame.VP9, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 15 -lag-in-frames 0")},
		{"VP8", "", coded(frame.VP8, "-c:v libvpx -deadline realtime -g 15")},
		{"MJPEG", "", coded(frame.MJPEG, "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p")},
		{"MPEG-4", "", coded(frame.MPEG4, "-c:v mpeg4 -q:v 3 -g 15 -bsf:v dump_extra=freq=keyframe")},
	}
}

// turned returns the arguments, and of another stream one more that turns the picture.
func turned(args string, other bool) (all []string) {
	if other {
		all = []string{"-vf", "hflip,vflip"}
	}
	return append(all, strings.Fields(args)...)
}

// unitsOf returns the units of a file of H.264.
func unitsOf(t *testing.T, path string) []frame.AccessUnit {
	t.Helper()
	flv := filepath.Join(t.TempDir(), "clip.flv")
	if out, err := frametest.Run(t, "-i", path, "-an", "-c:v", "copy", flv).Wait(); err != nil {
		t.Fatal(err, out)
	}
	return frametest.Units(t, flv)
}
