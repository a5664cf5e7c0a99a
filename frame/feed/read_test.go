package feed_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/fakeclock"
)

// ffmpeg runs the real ffmpeg, which writes a file, and returns what is in it. In args "%" is the file.
func ffmpeg(t *testing.T, ending, args string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out."+ending)
	line := strings.Fields(args)
	if output, err := frametest.Run(t, append(line, "-y", path)...).Wait(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", args, err, output)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// read returns all units, and the error that ends them.
func read(units iter.Seq2[frame.AccessUnit, error]) (all []frame.AccessUnit, err error) {
	for u, err := range units {
		if err != nil {
			return all, err
		}
		all = append(all, u)
	}
	return all, nil
}

// pipe hides that a file can be sought in.
type pipe struct{ io.Reader }

// same compares units with those of an FLV file of the same stream; times may be off by what that rounds to, and begin elsewhere.
func same(t *testing.T, got, want []frame.AccessUnit) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d units, want %d", len(got), len(want))
	}
	for i, u := range got {
		w := want[i]
		pts, dts := (u.PTS-got[0].PTS)-(w.PTS-want[0].PTS), (u.DTS-got[0].DTS)-(w.DTS-want[0].DTS)
		if u.Codec != w.Codec || u.Key != w.Key || u.Lost || !bytes.Equal(u.Data, w.Data) || pts.Abs() > time.Millisecond || dts.Abs() > time.Millisecond {
			t.Fatalf("unit %d: %v, key %v, lost %v, %d bytes, PTS off by %v, DTS by %v; want %v, key %v, %d bytes",
				i, u.Codec, u.Key, u.Lost, len(u.Data), pts, dts, w.Codec, w.Key, len(w.Data))
		}
	}
}

// TestSameUnitsOfEveryContainer has the same pictures in files of all kinds.
func TestSameUnitsOfEveryContainer(t *testing.T) {
	clip := frametest.Clip{BFrames: 3}
	path, want := clip.File(t), clip.Units(t)
	const sound = " -f lavfi -i sine -shortest -c:a aac "
	for about, test := range map[string]struct {
		ending, args string
		read         func(r io.Reader) iter.Seq2[frame.AccessUnit, error]
		noPipe       bool
	}{
		"FLV":                             {"flv", "", feed.ReadFLV, false},
		"FLV with sound":                  {"flv", sound, feed.ReadFLV, false},
		"MP4":                             {"mp4", "", feed.ReadMP4, true},
		"MP4 with sound":                  {"mp4", sound, feed.ReadMP4, true},
		"MP4, the index first":            {"mp4", "-movflags faststart", feed.ReadMP4, false},
		"MP4 with sound, the index first": {"mp4", sound + "-movflags faststart", feed.ReadMP4, false},
		"QuickTime":                       {"mov", sound, feed.ReadMP4, true},
		"MP4 in fragments":                {"mp4", sound + "-movflags frag_keyframe+empty_moov", feed.ReadMP4, false},
		"MP4 in fragments, by moof":       {"mp4", sound + "-movflags frag_keyframe+empty_moov+default_base_moof", feed.ReadMP4, false},
		"MP4 in small fragments":          {"mp4", sound + "-movflags empty_moov+separate_moof -frag_duration 100000", feed.ReadMP4, false},
		"MP4, and then fragments":         {"mp4", "-movflags frag_keyframe", feed.ReadMP4, false},
		"CMAF":                            {"mp4", "-movflags cmaf+frag_keyframe+negative_cts_offsets", feed.ReadMP4, false},
	} {
		t.Run(about, func(t *testing.T) {
			file := ffmpeg(t, test.ending, "-i "+path+" "+test.args+" -c:v copy -map 0:v "+mapSound(test.args))
			got, err := read(test.read(bytes.NewReader(file)))
			if err != nil {
				t.Fatalf("after %d units: %v", len(got), err)
			}
			same(t, got, want)
			got, err = read(test.read(pipe{bytes.NewReader(file)}))
			if test.noPipe {
				if err == nil || !strings.Contains(err.Error(), "io.Seeker") {
					t.Errorf("a pipe: %d units, %v", len(got), err)
				}
				return
			}
			if err != nil {
				t.Fatalf("a pipe: after %d units: %v", len(got), err)
			}
			same(t, got, want)
		})
	}
}

func mapSound(args string) string {
	if strings.Contains(args, "sine") {
		return "-map 1:a"
	}
	return ""
}

// TestEveryCodecOfMP4 looks at whether units of all codecs are what they should be.
func TestEveryCodecOfMP4(t *testing.T) {
	for codec, args := range map[frame.Codec]string{
		frame.H264:  "-c:v libx264",
		frame.H265:  "-c:v libx265 -x265-params log-level=none:open-gop=1",
		frame.AV1:   "-c:v libsvtav1 -svtav1-params keyint=10",
		frame.VP9:   "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
		frame.MPEG4: "-c:v mpeg4",
		frame.MJPEG: "-c:v mjpeg",
	} {
		t.Run(codec.String(), func(t *testing.T) {
			file := ffmpeg(t, "mp4", "-f lavfi -i testsrc2=s=160x96:r=25 -frames:v 30 -pix_fmt yuv420p -g 10 "+args)
			got, err := read(feed.ReadMP4(bytes.NewReader(file)))
			if err != nil || len(got) != 30 || got[0].Codec != codec || !got[0].Key {
				t.Fatalf("%d units, %v", len(got), err)
			}
			frametest.TestStream(t, func(testing.TB) *frame.Stream {
				return &frame.Stream{Name: "file", Units: feed.ReadMP4(bytes.NewReader(file))}
			})
		})
	}
}

// TestOrientationOfMP4: units of files of phones, which turn no pictures, tell how they are to be turned.
func TestOrientationOfMP4(t *testing.T) {
	const one = 1 << 16
	file := ffmpeg(t, "mp4", "-i "+frametest.Clip{}.File(t)+" -c copy")
	at := bytes.Index(file, []byte("tkhd")) + 4 + 40 // behind all but the matrix
	if got := file[at : at+36]; !bytes.Equal(got[16:20], []byte{0, 1, 0, 0}) || !bytes.Equal(got[32:], []byte{0x40, 0, 0, 0}) {
		t.Fatalf("there is no matrix: %x", got)
	}
	for _, test := range []struct {
		a, b, c, d int32
		want       bitstream.Orientation
	}{
		{one, 0, 0, one, bitstream.Orientation{}},
		{0, one, -one, 0, bitstream.Orientation{Rotation: 90}},
		{-one, 0, 0, -one, bitstream.Orientation{Rotation: 180}},
		{0, -one, one, 0, bitstream.Orientation{Rotation: 270}},
		{-one, 0, 0, one, bitstream.Orientation{Mirrored: true}},
		{one, 0, 0, -one, bitstream.Orientation{Rotation: 180, Mirrored: true}},
		{0, one, one, 0, bitstream.Orientation{Rotation: 270, Mirrored: true}},
		{0, -one, -one, 0, bitstream.Orientation{Rotation: 90, Mirrored: true}},
		{one / 10, one, -one, one / 10, bitstream.Orientation{Rotation: 90}},
		{0, 0, 0, 0, bitstream.Orientation{}},
		{math.MinInt32, math.MinInt32, math.MinInt32, math.MinInt32, bitstream.Orientation{Rotation: 180}},
	} {
		for i, v := range []int32{test.a, test.b, 0, test.c, test.d} {
			binary.BigEndian.PutUint32(file[at+4*i:], uint32(v))
		}
		units, err := read(feed.ReadMP4(bytes.NewReader(file)))
		if err != nil {
			t.Fatal(err)
		}
		var tracker bitstream.Tracker
		for i := range units {
			if got := tracker.Next(&units[i]).Orientation; got != test.want {
				t.Fatalf("%+v: unit %d: %+v", test, i, got)
			}
		}
	}
}

func TestAnnexB(t *testing.T) {
	for _, test := range []struct {
		about string
		codec frame.Codec
		args  string
	}{
		{"H.264", frame.H264, "-c:v libx264 -bf 0 -f h264"},
		{"H.264 with delimiters, in slices", frame.H264, "-c:v libx264 -bf 0 -x264-params aud=1:slices=4 -f h264"},
		{"H.265", frame.H265, "-c:v libx265 -x265-params log-level=none:bframes=0 -f hevc"},
		{"H.265 with delimiters, in slices", frame.H265, "-c:v libx265 -x265-params log-level=none:bframes=0:aud=1:slices=2 -f hevc"},
	} {
		t.Run(test.about, func(t *testing.T) {
			file := ffmpeg(t, "bin", "-f lavfi -i testsrc2=s=160x96:r=25 -frames:v 30 -pix_fmt yuv420p -g 10 "+test.args)
			whole, err := read(feed.ReadAnnexB(bytes.NewReader(file), test.codec, 25))
			if err != nil || len(whole) != 30 {
				t.Fatalf("%d units, %v", len(whole), err)
			}
			for i, u := range whole {
				if u.Codec != test.codec || u.Key != (i%10 == 0) || u.PTS != time.Duration(i)*40*time.Millisecond || u.DTS != u.PTS {
					t.Errorf("unit %d: %v, key %v, PTS %v, DTS %v", i, u.Codec, u.Key, u.PTS, u.DTS)
				}
			}
			bytewise, err := read(feed.ReadAnnexB(pipe{oneByOne{bytes.NewReader(file)}}, test.codec, 25))
			if err != nil {
				t.Fatal(err)
			}
			same(t, bytewise, whole)
			frametest.TestStream(t, func(testing.TB) *frame.Stream {
				return &frame.Stream{Name: "bytes", Units: feed.ReadAnnexB(bytes.NewReader(file), test.codec, 0)}
			})
		})
	}
}

// oneByOne reads a byte at a time.
type oneByOne struct{ io.Reader }

func (o oneByOne) Read(b []byte) (int, error) { return o.Reader.Read(b[:min(len(b), 1)]) }

// TestAnnexBLive writes pictures to a pipe as a camera does: the times are those at which they began to come.
func TestAnnexBLive(t *testing.T) {
	units := frametest.Clip{Frames: 20, GOP: 10}.Units(t)
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			for _, u := range units {
				_, _ = w.Write(u.Data)
				fakeclock.Pass(100 * time.Millisecond)
			}
			_ = w.Close()
		}()
		begin := time.Now()
		got, err := read(feed.ReadAnnexB(r, frame.H264, 0))
		if err != nil || len(got) != len(units) {
			t.Fatalf("%d units, %v", len(got), err)
		}
		for i, u := range got {
			at := time.Duration(i) * 100 * time.Millisecond
			if u.PTS != at || u.DTS != at || !u.Time.Equal(begin.Add(at)) || !bytes.Equal(u.Data, units[i].Data) {
				t.Errorf("unit %d: PTS %v, DTS %v, shown %v after the first", i, u.PTS, u.DTS, u.Time.Sub(begin))
			}
		}
	})
}

// TestPlay plays a file with B-frames: each picture is there when it is shown, at the latest when all that it takes is.
func TestPlay(t *testing.T) {
	file := ffmpeg(t, "mp4", "-i "+frametest.Clip{BFrames: 3}.File(t)+" -c copy")
	synctest.Test(t, func(t *testing.T) {
		frametest.TestStream(t, func(tb testing.TB) *frame.Stream {
			tb.Helper()
			return &frame.Stream{Name: "file", Units: feed.Play(tb.Context(), feed.ReadMP4(bytes.NewReader(file)))}
		})
		begin, first, n := time.Now(), time.Duration(-1), 0
		for u, err := range feed.Play(t.Context(), feed.ReadMP4(bytes.NewReader(file))) {
			if err != nil {
				t.Fatal(err)
			}
			if first < 0 {
				first = u.PTS
			}
			if at := begin.Add(u.PTS - first); !u.Time.Equal(at) || time.Since(at) < 0 || time.Since(at) > 4*time.Second/30 {
				t.Errorf("unit %d is of %v, shown at %v, and comes at %v", n, u.PTS-first, u.Time.Sub(begin), time.Since(begin))
			}
			n++
		}
		if n != 60 {
			t.Errorf("%d units", n)
		}
	})
}

func TestPlayEndsWithItsContext(t *testing.T) {
	file := ffmpeg(t, "mp4", "-i "+frametest.Clip{}.File(t)+" -c copy")
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		units, err := read(feed.Play(ctx, feed.ReadMP4(bytes.NewReader(file))))
		if !errors.Is(err, cause) || len(units) < 30 || len(units) > 31 {
			t.Errorf("%d units, %v", len(units), err)
		}
	})
}

// TestFilesThatAreNone: each is told what is wrong.
func TestFilesThatAreNone(t *testing.T) {
	file := ffmpeg(t, "mp4", "-i "+frametest.Clip{}.File(t)+" -c copy -movflags faststart")
	live := ffmpeg(t, "flv", "-i "+frametest.Clip{}.File(t)+" -c copy")
	index := ffmpeg(t, "mp4", "-i "+frametest.Clip{}.File(t)+" -c copy")
	fragments := ffmpeg(t, "mp4", "-i "+frametest.Clip{}.File(t)+" -c copy -movflags empty_moov")
	sound := ffmpeg(t, "mp4", "-f lavfi -i sine=d=1")
	heard := ffmpeg(t, "flv", "-f lavfi -i sine=d=1:r=44100 -c:a aac")
	change := func(b []byte, from, to string) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	for _, test := range []struct {
		about string
		units iter.Seq2[frame.AccessUnit, error]
		says  string
	}{
		{"nothing", feed.ReadMP4(bytes.NewReader(nil)), "no movie box"},
		{"no MP4", feed.ReadMP4(bytes.NewReader(live)), "MP4"},
		{"MP4 cut off", feed.ReadMP4(bytes.NewReader(file[:len(file)-100])), "sample 59, of"},
		{"MP4 cut off in its pictures, before its index", feed.ReadMP4(bytes.NewReader(index[:len(index)/2])), "no index (moov), so it is cut short"},
		{"the same from a pipe", feed.ReadMP4(pipe{bytes.NewReader(index[:len(index)/2])}), "no index (moov), so it is cut short"},
		{"MP4 that ends before its pictures", feed.ReadMP4(bytes.NewReader(index[:32])), "no index (moov), so it is cut short"},
		{"MP4 with its index at the end, from a pipe", feed.ReadMP4(pipe{bytes.NewReader(index)}), "index (moov) at its end: that takes an io.Seeker"},
		{"MP4 without a fragment", feed.ReadMP4(bytes.NewReader(fragments[:bytes.Index(fragments, []byte("moof"))-4])), "no picture"},
		{"MP4 that ends in its index", feed.ReadMP4(bytes.NewReader(file[:200])), `box "moov"`},
		{"sound", feed.ReadMP4(bytes.NewReader(sound)), "no video track of a codec known here; there is no video"},
		{"a codec that is not known", feed.ReadMP4(bytes.NewReader(change(file, "avc1", "xyz1"))), "no video track"},
		{"a missing record", feed.ReadMP4(bytes.NewReader(change(file, "avcC", "free"))), "avcC"},
		{"no FLV", feed.ReadFLV(bytes.NewReader(file)), "no FLV file"},
		{"FLV without a tag", feed.ReadFLV(bytes.NewReader(live[:13])), "no picture"},
		{"FLV with sound alone", feed.ReadFLV(bytes.NewReader(heard)), "no picture"},
		{"FLV cut off", feed.ReadFLV(bytes.NewReader(live[:len(live)-100])), "unexpected EOF"},
		{"an empty byte stream", feed.ReadAnnexB(bytes.NewReader(nil), frame.H264, 25), "feed: H.264: there is no picture"},
		{"a byte stream of a delimiter", feed.ReadAnnexB(strings.NewReader("\x00\x00\x01\x46\x01\x50"), frame.H265, 0), "no picture of H.265"},
		{"no byte stream", feed.ReadAnnexB(bytes.NewReader([]byte("what is this")), frame.H264, 0), "without a start code"},
		{"a byte stream of VP8", feed.ReadAnnexB(bytes.NewReader(nil), frame.VP8, 0), "Annex B of VP8"},
		{"a byte stream without end", feed.ReadAnnexB(zeros{}, frame.H264, 0), "in which no access unit ends"},
		{"a reader that reads nothing", feed.ReadAnnexB(nothing{}, frame.H264, 0), io.ErrNoProgress.Error()},
	} {
		if units, err := read(test.units); err == nil || !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), "feed: ") {
			t.Errorf("%s: %d units, %v; want %q", test.about, len(units), err, test.says)
		}
	}
}

// TestReadersThatStall bring some bytes, and then nothing for ever: 100 times is enough, wherever it happens, also where a file can be sought in.
func TestReadersThatStall(t *testing.T) {
	path := frametest.Clip{}.File(t)
	for about, test := range map[string]struct {
		file []byte
		read func(r io.Reader) iter.Seq2[frame.AccessUnit, error]
	}{
		"FLV": {ffmpeg(t, "flv", "-i "+path+" -c copy"), feed.ReadFLV},
		"MP4": {ffmpeg(t, "mp4", "-i "+path+" -c copy -movflags faststart"), feed.ReadMP4},
		"Annex B": {ffmpeg(t, "bin", "-i "+path+" -c copy -f h264"), func(r io.Reader) iter.Seq2[frame.AccessUnit, error] {
			return feed.ReadAnnexB(r, frame.H264, 0)
		}},
	} {
		for _, n := range []int{0, 5, 9, 13, 20, 30, 200, len(test.file) / 2, len(test.file) - 100} {
			stalls := &stall{Reader: bytes.NewReader(test.file[:n])}
			for _, r := range []io.Reader{&stall{Reader: bytes.NewReader(test.file[:n])}, pipe{stalls}} {
				if units, err := read(test.read(r)); !errors.Is(err, io.ErrNoProgress) {
					t.Errorf("%s, after %d bytes: %d units, %v", about, n, len(units), err)
				}
			}
			if stalls.idle != 100 {
				t.Errorf("%s, after %d bytes: read %d times in vain", about, n, stalls.idle)
			}
		}
	}
}

// A stall brings nothing for ever where its Reader ends.
type stall struct {
	*bytes.Reader
	idle int
}

func (s *stall) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if n == 0 && err != nil {
		s.idle++
	}
	return n, nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }
