package e2e_test

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/peer"
)

// The clips of these tests: three GOPs, so that one is between two others.
const (
	momentFrames = 45
	momentGOP    = 15
)

// A recording is a stream whose units show the numbers from zero on, in presentation order.
type recording struct {
	about  string
	units  func(t *testing.T) []frame.AccessUnit
	hidden func(i int, u frame.AccessUnit) bool // of a unit without a picture of its own; nil if there is none
}

// shown returns the units that have a picture, in presentation order: the one at n shows the number n.
func (r recording) shown(t *testing.T, units []frame.AccessUnit) (shown []frame.AccessUnit) {
	t.Helper()
	for i, u := range units {
		if r.hidden == nil || !r.hidden(i, u) {
			shown = append(shown, u)
		}
	}
	if len(shown) != momentFrames {
		t.Fatalf("%d units have a picture, want %d", len(shown), momentFrames)
	}
	slices.SortStableFunc(shown, func(a, b frame.AccessUnit) int { return cmp.Compare(a.PTS, b.PTS) })
	return shown
}

// recordings are in all codecs, and of all the ways they have to code a picture by others.
func recordings() []recording {
	x264 := func(bframes int, args ...string) func(t *testing.T) []frame.AccessUnit {
		return func(t *testing.T) []frame.AccessUnit {
			t.Helper()
			return frametest.Clip{Frames: momentFrames, GOP: momentGOP, BFrames: bframes, Args: args}.Units(t)
		}
	}
	encoded := func(codec frame.Codec, args string) func(t *testing.T) []frame.AccessUnit {
		return func(t *testing.T) []frame.AccessUnit {
			t.Helper()
			return encode(t, codec, strings.Fields(args)...)
		}
	}
	return []recording{
		{about: "H.264", units: x264(0)},
		{about: "H.264, a pyramid of B-frames", units: x264(7, "-x264-params", "b-pyramid=normal:b-adapt=0")},
		{about: "H.264, B-frames that nothing refers to", units: x264(3, "-x264-params", "b-pyramid=none:b-adapt=0")},
		{about: "H.264, open GOPs", units: x264(3, "-x264-params", "open-gop=1:b-adapt=0")},
		{about: "H.264, intra refresh", units: x264(0, "-x264-params", "intra-refresh=1")},
		{about: "H.264, MBAFF", units: x264(2, "-flags", "+ildct+ilme", "-x264-params", "tff=1")},
		{about: "H.264, PAFF", units: func(*testing.T) []frame.AccessUnit { return paff(false) }},
		{about: "H.264, PAFF, a unit for each field", units: func(*testing.T) []frame.AccessUnit { return paff(true) }, hidden: func(i int, _ frame.AccessUnit) bool { return i%2 == 1 }},
		{about: "H.264, PAFF, a unit for each field, two instants", units: func(*testing.T) []frame.AccessUnit { return paffInstants(true) }, hidden: isPaffRepeat},
		{about: "H.265", units: encoded(frame.H265, "-c:v libx265 -preset ultrafast -x265-params log-level=none:repeat-headers=1:bframes=0:keyint=15:min-keyint=15")},
		{about: "H.265, a pyramid of B-frames", units: encoded(frame.H265,
			"-c:v libx265 -preset ultrafast -x265-params log-level=none:repeat-headers=1:rc-lookahead=12:bframes=7:b-adapt=0:b-pyramid=1:open-gop=0:keyint=15:min-keyint=15")},
		{about: "H.265, open GOPs", units: encoded(frame.H265,
			"-c:v libx265 -preset ultrafast -x265-params log-level=none:repeat-headers=1:bframes=3:b-adapt=0:open-gop=1:keyint=15:min-keyint=15")},
		{about: "H.265, fields", units: encoded(frame.H265,
			"-vf setfield=tff,separatefields,select=eq(mod(n\\,4)\\,0)+eq(mod(n\\,4)\\,3),setpts=N/30/TB -c:v libx265 -preset ultrafast "+
				"-x265-params log-level=none:repeat-headers=1:interlace=tff:bframes=0:keyint=15:min-keyint=15")},
		{about: "AV1", units: encoded(frame.AV1, "-c:v libsvtav1 -preset 10 -g 15 -crf 30")},
		{about: "AV1, low latency", units: encoded(frame.AV1, "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 15 -lag-in-frames 0")},
		{about: "VP9, hidden frames", units: encoded(frame.VP9, "-c:v libvpx-vp9 -deadline good -cpu-used 5 -g 15 -auto-alt-ref 1 -lag-in-frames 12 -b:v 1M")},
		{about: "VP9, low latency", units: encoded(frame.VP9, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 15 -lag-in-frames 0")},
		{about: "VP8, hidden frames at the time of the next", units: vp8(func(_, next time.Duration) time.Duration { return next }), hidden: hiddenVP8},
		{about: "VP8, hidden frames at the time of the one before", units: vp8(func(last, _ time.Duration) time.Duration { return last }), hidden: hiddenVP8},
		{about: "VP8, hidden frames between", units: vp8(func(last, next time.Duration) time.Duration { return (last + next) / 2 }), hidden: hiddenVP8},
		{about: "VP8, low latency", units: encoded(frame.VP8, "-c:v libvpx -deadline realtime -g 15")},
		{about: "MJPEG", units: encoded(frame.MJPEG, "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p")},
		{about: "MPEG-4", units: encoded(frame.MPEG4, "-c:v mpeg4 -q:v 3 -g 15 -bsf:v dump_extra=freq=keyframe")},
		{about: "MPEG-4, B-frames", units: encoded(frame.MPEG4, "-c:v mpeg4 -q:v 3 -bf 2 -g 15 -bsf:v dump_extra=freq=keyframe")},
	}
}

// vp8 encodes a clip with hidden frames, which have the times that are told by those of their neighbours.
func vp8(at func(last, next time.Duration) time.Duration) func(t *testing.T) []frame.AccessUnit {
	return func(t *testing.T) (units []frame.AccessUnit) {
		t.Helper()
		const interval = time.Second / 30
		log := filepath.Join(t.TempDir(), "passes")
		for pass := range 2 {
			units = encode(t, frame.VP8, append(strings.Fields("-c:v libvpx -deadline good -cpu-used 5 -g 15 -auto-alt-ref 1 -lag-in-frames 12 -b:v 1M"),
				"-passlogfile", log, "-pass", strconv.Itoa(pass+1))...)
		}
		next, hidden := time.Duration(0), 0
		for i := range units {
			u := &units[i]
			u.PTS = next
			if hiddenVP8(i, *u) {
				u.PTS = at(next-interval, next)
				hidden++
			} else {
				next += interval
			}
			u.DTS, u.Time = u.PTS, frametest.Epoch.Add(u.PTS)
		}
		if hidden == 0 {
			t.Fatal("no frame is hidden")
		}
		return units
	}
}

func hiddenVP8(_ int, u frame.AccessUnit) bool { return u.Data[0]&0x10 == 0 }

// encode encodes a clip with the real ffmpeg, and makes units of it as the packages of the protocols do.
func encode(t *testing.T, codec frame.Codec, args ...string) (units []frame.AccessUnit) {
	t.Helper()
	var h265 bitstream.H265
	var av1 bitstream.AV1
	clip := frametest.Clip{Frames: momentFrames, GOP: momentFrames}
	format := "mov"
	if codec == frame.VP8 || codec == frame.AV1 || codec == frame.VP9 {
		format = "ivf"
	}
	path := filepath.Join(t.TempDir(), "clip."+format)
	all := append(append([]string{"-i", clip.File(t), "-vsync", "passthrough"}, args...), "-f", format, path)
	if out, err := frametest.Run(t, all...).Wait(); err != nil {
		t.Fatal(err, out)
	}
	for _, p := range packets(t, path) {
		u := frame.AccessUnit{Codec: codec, PTS: p.pts, DTS: p.dts, Time: frametest.Epoch.Add(p.pts), Data: p.data}
		var err error
		switch codec {
		case frame.H265:
			nals, broken := bitstream.SplitLength(nil, p.data, 4)
			if broken != nil {
				t.Fatal(broken)
			}
			u.Data, u.Key, err = h265.Unit(nals)
		case frame.AV1:
			u.Data, u.Key, err = av1.Unit(p.data)
		case frame.VP8:
			u.Key, err = bitstream.VP8Key(p.data)
		case frame.VP9:
			u.Key, err = bitstream.VP9Key(p.data)
		default:
			u.Key = p.key
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(u.Data) > 0 {
			units = append(units, u)
		}
	}
	return units
}

// A packet is what a file has of one unit.
type packet struct {
	pts, dts time.Duration
	key      bool
	data     []byte
}

// packets reads a file with ffprobe.
func packets(t *testing.T, path string) (ps []packet) {
	t.Helper()
	peer.Needs(t, "ffprobe")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "packet=pts_time,dts_time,size,pos,flags", "-of", "csv=p=0", path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		fields := strings.Split(line, ",") // in ffprobe's own order
		seconds := func(i int) time.Duration {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				t.Fatal(line, err)
			}
			return time.Duration(v * float64(time.Second)).Round(time.Microsecond)
		}
		size, _ := strconv.Atoi(fields[2])
		at, _ := strconv.Atoi(fields[3])
		if strings.HasSuffix(path, "ivf") {
			at += 12 // the frame's header
		}
		ps = append(ps, packet{seconds(0), seconds(1), strings.HasPrefix(fields[4], "K"), bytes.Clone(file[at : at+size])})
	}
	return ps
}
