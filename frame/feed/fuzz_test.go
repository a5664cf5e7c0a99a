package feed_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
)

// Streams of a key picture and another, of as little as is read of them.
const (
	sets264 = "\x00\x00\x01\x67\x42\xc0\x1e\xda\x00\x00\x01\x68\xce\x38\x80"
	key264  = sets264 + "\x00\x00\x01\x65\x88\x84\x10"
	next264 = "\x00\x00\x01\x41\x9a\x02\x04"
	key265  = "\x00\x00\x01\x40\x01\x0c\x00\x00\x01\x42\x01\x01\x01\x60\x00\x00\x03\x00\x80\x00\x00\x03\x00\x00\x03\x00\x3f\xa0\x80" +
		"\x00\x00\x01\x44\x01\xc1\x00\x00\x01\x28\x01\xaf\x80"
	avcC = "\x01\x42\xc0\x1e\xff\xe1\x00\x05\x67\x42\xc0\x1e\xda\x01\x00\x04\x68\xce\x38\x80"
)

// promised looks at whether a unit is what it should be, whatever came in: the first is a key unit, and each has memory of its own.
type promised struct {
	t     *testing.T
	check frame.Check
	units []frame.AccessUnit
}

func (p *promised) take(u frame.AccessUnit, in []byte) {
	p.t.Helper()
	if len(p.units) == 0 && !u.Key {
		p.t.Fatal("it does not begin with a key unit")
	}
	if u.Shown().After(time.Now().Add(time.Millisecond)) { // a millionth of what passes between units that arrive at one instant
		p.t.Fatalf("unit %d is shown %v from now", len(p.units), time.Until(u.Shown()))
	}
	if c := u.Colours; c != nil && (*c == frame.Colours{} || c.Or(frame.Colours{}) != *c) {
		p.t.Fatalf("unit %d has colours that there are not: %+v", len(p.units), *c)
	}
	before := bytes.Clone(u.Data)
	clear(in)
	if !bytes.Equal(u.Data, before) {
		p.t.Fatalf("unit %d shares memory with what it was made of", len(p.units))
	}
	p.units = append(p.units, u)
	u.PTS = u.DTS // a stream may have times as it likes
	if err := p.check.Unit(&u); err != nil {
		p.t.Fatal(err)
	}
}

// read takes all units of a file.
func (p *promised) read(units iter.Seq2[frame.AccessUnit, error]) (err error) {
	p.t.Helper()
	for u, err := range units {
		if err != nil {
			return err
		}
		p.take(u, nil)
	}
	return nil
}

// FuzzVideo makes units of three pictures, with any configuration record.
func FuzzVideo(f *testing.F) {
	f.Add(uint8(frame.H264), []byte(nil), []byte(key264), []byte(next264), []byte(next264))
	f.Add(uint8(frame.H264), []byte(avcC), []byte("\x00\x00\x00\x04\x65\x88\x84\x10"), []byte("\x00\x00\x00\x05\x41"), []byte("\x00\x00\x00\x02\x41\x9a"))
	f.Add(uint8(frame.H265), []byte(nil), []byte(key265), []byte("\x00\x00\x01\x02\x01\xd0"), []byte(key265))
	f.Add(uint8(frame.AV1), []byte("\x81\x00\x0c\x00\x0a\x01\x00"), []byte("\x32\x02\x10\x00"), []byte("\x12\x00\x32\x02\x30\x00"), []byte(nil))
	f.Add(uint8(frame.VP8), []byte(nil), []byte("\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00"), []byte("\x11\x02\x00"), []byte("\x10"))
	f.Add(uint8(frame.VP9), []byte(nil), []byte("\x82\x49\x83\x42"), []byte("\x86\x00"), []byte("\x00"))
	f.Add(uint8(frame.MJPEG), []byte(nil), []byte("\xff\xd8\xff\xd9"), []byte("\xff\xd8"), []byte("\x00"))
	f.Add(uint8(frame.MPEG4), []byte("\x00\x00\x01\x20\x00"), []byte("\x00\x00\x01\xb6\x10"), []byte("\x00\x00\x01\xb6\x50"), []byte("\x00\x00\x01\xb3\x00"))
	f.Fuzz(func(t *testing.T, codec uint8, record, a, b, c []byte) {
		video := feed.Video{Codec: frame.Codec(codec)}
		if len(record) > 0 {
			_ = video.Config(record)
		}
		p := promised{t: t}
		for i, data := range [][]byte{a, b, c} {
			at := time.Duration(i) * time.Millisecond
			data = bytes.Clone(data)
			u, ok, err := video.Unit(at, at, data)
			if ok != (u.Data != nil) || ok && err != nil {
				t.Fatalf("%d bytes with %v, %v", len(u.Data), ok, err)
			}
			if ok {
				p.take(u, data)
			}
		}
	})
}

// FuzzReadAnnexB reads a byte stream in one go, and byte by byte: the units are the same.
func FuzzReadAnnexB(f *testing.F) {
	f.Add(false, []byte(key264+next264+next264+"\x00\x00\x01\x09\x10"+key264))
	f.Add(true, []byte(key265+"\x00\x00\x01\x02\x01\xd0\x00\x00\x00\x01\x26\x01\xaf\x00\x00"))
	f.Add(false, []byte("\x00\x00\x01\x00\x00\x01"+sets264))
	f.Fuzz(func(t *testing.T, h265 bool, file []byte) {
		codec := frame.H264
		if h265 {
			codec = frame.H265
		}
		whole, bytewise := promised{t: t}, promised{t: t}
		err := whole.read(feed.ReadAnnexB(bytes.NewReader(file), codec, 25))
		err2 := bytewise.read(feed.ReadAnnexB(oneByOne{bytes.NewReader(file)}, codec, 25))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, and byte by byte %v", err, err2)
		}
		same(t, bytewise.units, whole.units)
	})
}

// FuzzReadFLV reads a file of any tags.
func FuzzReadFLV(f *testing.F) {
	const tags = "\x09\x00\x00\x19\x00\x00\x00\x00\x00\x00\x00\x17\x00\x00\x00\x00" + avcC + "\x00\x00\x00\x24" +
		"\x09\x00\x00\x0d\x00\x00\x28\x00\x00\x00\x00\x17\x01\x00\x00\x50\x00\x00\x00\x04\x65\x88\x84\x10\x00\x00\x00\x18" +
		"\x08\x00\x00\x01\x00\x00\x28\x00\x00\x00\x00\xaf\x00\x00\x00\x0c" +
		"\x09\x00\x00\x0c\x00\x00\x10\xff\x00\x00\x00\x27\x01\x00\x00\x00\x00\x00\x00\x03\x41\x9a\x02"
	f.Add([]byte("FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00" + tags))
	f.Add([]byte("FLV\x01\x05\x00\x00\x00\x0a\x00\x00\x00\x00\x00" + tags + "\x00\x00\x00\x17\x29\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		p := promised{t: t}
		if err := p.read(feed.ReadFLV(pipe{bytes.NewReader(file)})); err == nil && !bytes.HasPrefix(file, []byte("FLV")) {
			t.Fatalf("%d units of a file that begins with %q", len(p.units), file[:min(3, len(file))])
		}
	})
}

// FuzzReadMP4 reads a file that can be sought in, and one that cannot: what there is of the units is the same.
func FuzzReadMP4(f *testing.F) {
	f.Fuzz(func(t *testing.T, file []byte) {
		const enough = 1000 // of units: a few bytes can tell of millions that are all in the same place
		few := func(units iter.Seq2[frame.AccessUnit, error]) iter.Seq2[frame.AccessUnit, error] {
			return func(yield func(frame.AccessUnit, error) bool) {
				n := 0
				for u, err := range units {
					if n++; !yield(u, err) || n == enough {
						return
					}
				}
			}
		}
		sought, piped := promised{t: t}, promised{t: t}
		err := sought.read(few(feed.ReadMP4(bytes.NewReader(file))))
		err2 := piped.read(few(feed.ReadMP4(pipe{bytes.NewReader(file)})))
		if err2 == nil && err != nil || len(piped.units) > len(sought.units) {
			t.Fatalf("%d units, %v; of a pipe %d units, %v", len(sought.units), err, len(piped.units), err2)
		}
		same(t, piped.units, sought.units[:len(piped.units)])
	})
}

// FuzzRTP takes in any packets: each is preceded by its length.
func FuzzRTP(f *testing.F) {
	packets := func(all ...string) (b []byte) {
		for _, p := range all {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
		}
		return b
	}
	const head = "\x80\x60\x00"
	f.Add(uint8(frame.H264), packets(head+"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x67\x42\xc0\x1e\xda", head+"\x02\x00\x00\x00\x00\x00\x00\x00\x00\x68\xce\x38\x80",
		"\x80\xe0\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00\x65\x88\x84\x10", "\x80\xc8\x00\x06\x00\x00\x00\x00\xe0\x00\x00\x00\x00\x00\x00\x00"+
			"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x80\xe0\x00\x04\x00\x00\x0b\xb8\x00\x00\x00\x00\x41\x9a\x02"))
	f.Add(uint8(frame.VP8), packets("\x80\xe0\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x10\x10\x02\x00\x9d\x01\x2a\x10\x00\x10\x00", "\x8f\x60"))
	f.Add(uint8(frame.MPEG4), packets("\x80\xe0\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\x00\x00\x00\x01\xb6\x10"))
	f.Fuzz(func(t *testing.T, codec uint8, stream []byte) {
		r := feed.RTP{Codec: frame.Codec(codec)}
		p := promised{t: t}
		for in := bytes.NewReader(stream); in.Len() > 2; {
			var size [2]byte
			_, _ = io.ReadFull(in, size[:])
			packet := make([]byte, min(int(binary.BigEndian.Uint16(size[:])), in.Len()))
			_, _ = io.ReadFull(in, packet)
			units, err := r.Packet(packet)
			if len(units) > 2 || len(units) > 0 && err != nil {
				t.Fatalf("%d units, %v", len(units), err)
			}
			for _, u := range units {
				p.take(u, packet)
			}
		}
	})
}
