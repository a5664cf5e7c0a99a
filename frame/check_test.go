package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// Data of units, each of as little as a Check looks at.
const (
	h264Sets = "\x00\x00\x00\x01\x67\x42\xc0\x1e\x00\x00\x00\x01\x68\xce\x38\x80"
	h264Key  = h264Sets + "\x00\x00\x01\x06\x05\x01\x80\x00\x00\x01\x65\x88\x84\x00\x10"
	h264P    = "\x00\x00\x00\x01\x41\x9a\x02\x04"
	h265Key  = "\x00\x00\x00\x01\x40\x01\x0c\x00\x00\x00\x01\x42\x01\x01\x00\x00\x00\x01\x44\x01\xc1\x00\x00\x00\x01\x28\x01\xaf"
	h265P    = "\x00\x00\x01\x02\x01\xd0"
	avccKey  = "\x00\x00\x00\x02\x09\x10\x00\x00\x00\x03\x65\x88\x84"
	av1Key   = "\x0a\x03\x00\x00\x00\x32\x02\x10\x00"
	av1P     = "\x32\x02\x30\x00"
)

// streamOf makes units that are all that they should be: a key unit each ten, 40 ms apart.
func streamOf(c frame.Codec, n int, key, other string) []frame.AccessUnit {
	units := make([]frame.AccessUnit, n)
	for i := range units {
		at := time.Duration(i) * 40 * time.Millisecond
		data := key
		if i%10 > 0 {
			data = other + fmt.Sprint(i)
		}
		units[i] = frame.AccessUnit{Codec: c, Key: i%10 == 0, PTS: at, DTS: at, Time: time.Unix(1000, 0).Add(at), Data: []byte(data)}
	}
	return units
}

func h264Stream(n int) []frame.AccessUnit { return streamOf(frame.H264, n, h264Key, h264P) }

// checked returns what a Check says to the units, up to the first error.
func checked(units []frame.AccessUnit) error {
	var c frame.Check
	for i := range units {
		if err := c.Unit(&units[i]); err != nil {
			return err
		}
	}
	return nil
}

func TestCheckPassesWhatIsRight(t *testing.T) {
	reordered := h264Stream(1000)
	for i := range reordered {
		reordered[i].PTS += time.Duration(i%4) * 100 * time.Millisecond
		reordered[i].DTS = reordered[i].DTS.Truncate(time.Second) // as it is where clocks are coarse
	}
	late := h264Stream(601)
	for i := range late {
		late[i].Key = i == len(late)-1
		late[i].Data = []byte(h264P)
		if late[i].Key {
			late[i].Data = []byte(h264Key)
		}
	}
	lost := h264Stream(20)
	lost[10].Lost, lost[10].Data = true, []byte("\x00\x00\x01\x65\x00")
	damaged := h264Stream(40)
	damaged[4].Data = []byte("\x01\x00\x00\x01\x41\x9a\x02\x04")
	damaged[10].Data = bytes.Replace(damaged[10].Data, []byte("\x01\x67"), []byte("\x01\x27"), 1)
	damaged[20].Data = bytes.Replace(damaged[20].Data, []byte("\x01\x68"), []byte("\x01\x78"), 1)
	damaged[30].Data = damaged[30].Data[:8]
	same := h264Stream(10)
	for i := range same[1:] {
		same[1+i].Data = same[1].Data // immutable data may be shared
	}
	for about, units := range map[string][]frame.AccessUnit{
		"H.264":                         h264Stream(1000),
		"H.265":                         streamOf(frame.H265, 100, h265Key, h265P),
		"AV1":                           streamOf(frame.AV1, 100, av1Key, av1P),
		"AV1 with extensions":           streamOf(frame.AV1, 100, "\x0e\x08\x03\x00\x00\x00\x36\x08\x02\x10\x00", "\x36\x08\x02\x30\x00"),
		"VP8":                           streamOf(frame.VP8, 100, "\x10\x02\x00\x9d\x01\x2a", "\x11\x02\x00"),
		"VP9":                           streamOf(frame.VP9, 100, "\x82\x49\x83\x42", "\x86\x00"),
		"VP9 of profile 3":              streamOf(frame.VP9, 100, "\xb1\x49\x83\x42", "\xb3\x00"),
		"MPEG-4":                        streamOf(frame.MPEG4, 100, "\x00\x00\x01\xb0\x01", "\x00\x00\x01\xb6\x50"),
		"MJPEG":                         streamOf(frame.MJPEG, 1, "\xff\xd8\xff\xd9", ""),
		"B-frames, by a coarse clock":   reordered,
		"a key unit after 600 others":   late,
		"a key unit that arrived torn":  lost,
		"data with a bit flipped":       damaged,
		"units that share what is read": same,
		"another codec, with a key unit": func() []frame.AccessUnit {
			units := h264Stream(20)
			copy(units[10:], streamOf(frame.H265, 20, h265Key, h265P)[10:])
			return units
		}(),
	} {
		if err := checked(units); err != nil {
			t.Errorf("%s: %v", about, err)
		}
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	each := func(change func(i int, u *frame.AccessUnit)) []frame.AccessUnit {
		units := h264Stream(1000)
		for i := range units {
			change(i, &units[i])
		}
		return units
	}
	unset := func(units []frame.AccessUnit) []frame.AccessUnit {
		units[0].Key = false
		return units
	}
	swap := func(units []frame.AccessUnit, at int, data string) []frame.AccessUnit {
		units[at].Data = []byte(data)
		return units
	}
	for _, test := range []struct {
		about string
		units []frame.AccessUnit
		unit  int
		says  string
	}{
		{"no codec", each(func(_ int, u *frame.AccessUnit) { u.Codec = 0 }), 0, "Codec is none"},
		{"a codec that is none", each(func(_ int, u *frame.AccessUnit) { u.Codec = 99 }), 0, "Codec(99)"},
		{"no data", swap(h264Stream(9), 3, ""), 3, "no Data"},
		{"AVCC", swap(h264Stream(9), 0, avccKey), 0, "AVCC"},
		{"AVCC that begins like a start code", swap(h264Stream(9), 0, "\x00\x00\x01\x04\x65"+strings.Repeat("x", 0x103)), 0, "AVCC"},
		{"AVCC later", swap(h264Stream(9), 4, "\x00\x00\x00\x03\x41\x9a\x02"), 4, "AVCC"},
		{"a NAL unit without a start code", swap(h264Stream(9), 0, "\x65\x88\x84"), 0, "start code"},
		{"the same, and no key unit yet", swap(h264Stream(9)[1:], 0, "\x41\x9a\x02"), 0, "start code"},
		{"no parameter sets", swap(h264Stream(19), 10, "\x00\x00\x01\x65\x88"), 10, "parameter sets"},
		{"no parameter sets in H.265", swap(streamOf(frame.H265, 9, h265Key, h265P), 0, "\x00\x00\x01\x28\x01\xaf"), 0, "parameter sets"},
		{"parameter sets alone", swap(h264Stream(9), 0, h264Sets), 0, "no picture"},
		{"never a Key", each(func(_ int, u *frame.AccessUnit) { u.Key = false }), 0, "Key is not set"},
		{"never a key picture", each(func(_ int, u *frame.AccessUnit) { u.Key, u.Data = false, []byte(h264P) }), 600, "Key"},
		{"zero Time", each(func(_ int, u *frame.AccessUnit) { u.Time = time.Time{} }), 0, "Time is zero"},
		{"Time by a clock that is wrong, and no Offset", each(func(_ int, u *frame.AccessUnit) { u.Time = time.Now().Add(1e18) }), 0, "still to come"},
		{"zero DTS", each(func(_ int, u *frame.AccessUnit) { u.DTS = 0 }), 251, "DTS has been 0s"},
		{"decreasing DTS", each(func(i int, u *frame.AccessUnit) { u.DTS = -u.DTS }), 1, "before that of the unit before"},
		{"another codec in mid-GOP", each(func(i int, u *frame.AccessUnit) {
			if i == 5 {
				u.Codec, u.Data = frame.VP8, []byte("\x11\x02\x00")
			}
		}), 5, "becomes VP8"},
		{"AV1 without sizes", swap(streamOf(frame.AV1, 9, av1Key, av1P), 0, "\x08\x00\x00"), 0, "low-overhead"},
		{"the same, and no key unit yet", swap(streamOf(frame.AV1, 9, av1Key, av1P)[1:], 0, "\x30\x30\x00"), 0, "low-overhead"},
		{"AV1 without a sequence header later", swap(streamOf(frame.AV1, 19, av1Key, av1P), 10, "\x12\x00\x32\x02\x10\x00"), 10, "sequence header"},
		{"AV1 without a sequence header", swap(streamOf(frame.AV1, 9, av1Key, av1P), 0, "\x12\x00\x32\x02\x10\x00"), 0, "sequence header"},
		{"AV1 without a frame", swap(streamOf(frame.AV1, 9, av1Key, av1P), 0, "\x12\x00"), 0, "no frame"},
		{"AV1 that ends inside an OBU", swap(streamOf(frame.AV1, 9, av1Key, av1P), 0, "\x0a\x7f\x00"), 0, "low-overhead"},
		{"VP8 that is no key frame", swap(streamOf(frame.VP8, 9, "\x10", "\x11"), 0, "\x11"), 0, "no key picture"},
		{"VP9 that is no key frame", swap(streamOf(frame.VP9, 9, "\x82", "\x86"), 0, "\x86"), 0, "no key picture"},
		{"VP8 with Key in all", func() []frame.AccessUnit {
			units := streamOf(frame.VP8, 9, "\x10", "\x11")
			units[1].Key = true
			return units
		}(), 1, "no key picture"},
		{"VP8 without Key", unset(streamOf(frame.VP8, 9, "\x10", "\x11")), 0, "Key is not set"},
		{"VP9 without Key", unset(streamOf(frame.VP9, 9, "\x82", "\x86")), 0, "Key is not set"},
		{"MJPEG that is no file", streamOf(frame.MJPEG, 1, "\x00\x10", ""), 0, "no JPEG"},
		{"MJPEG without Key", streamOf(frame.MJPEG, 2, "\xff\xd8\xff\xd9", "\xff\xd8"), 1, "Key is not set"},
		{"MPEG-4 without a start code", streamOf(frame.MPEG4, 1, "\xb0\x01", ""), 0, "start code"},
	} {
		err := checked(test.units)
		var wrong *frame.UnitError
		if !errors.As(err, &wrong) || wrong.Unit != test.unit || !strings.Contains(wrong.Reason, test.says) {
			t.Errorf("%s: %v, want unit %d: %s", test.about, err, test.unit, test.says)
		}
	}
}

// TestCheckNoticesReusedMemory feeds units that a source reads into buffers which it takes again, by turns.
func TestCheckNoticesReusedMemory(t *testing.T) {
	for buffers, want := range map[int]int{1: 0, 2: 0, 9: 0, 10: 0, 11: 100} {
		memory := make([][]byte, buffers)
		for i := range memory {
			memory[i] = make([]byte, 0, 1000)
		}
		units := h264Stream(100)
		var c frame.Check
		var err error
		n := 0
		for i := range units {
			u := units[i]
			at := &memory[i%buffers]
			*at = append((*at)[:0], fmt.Sprintf("%s%d", u.Data, i)...)
			u.Data = *at
			if err = c.Unit(&u); err != nil {
				break
			}
			n++
		}
		var wrong *frame.UnitError
		if found := errors.As(err, &wrong); found && (wrong.Unit != want || !strings.Contains(wrong.Reason, "has changed")) || found != (want == 0) {
			t.Errorf("%d buffers: %v after %d units", buffers, err, n)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	units := h264Stream(1000)
	var c frame.Check
	for n := 0; b.Loop(); n++ {
		u := &units[n%len(units)]
		u.DTS = time.Duration(n) * 40 * time.Millisecond
		u.PTS = u.DTS
		if err := c.Unit(u); err != nil {
			b.Fatal(err)
		}
	}
}
