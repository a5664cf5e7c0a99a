package mp4

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	maxOffset = math.MaxInt64 / 2 // of what is in a file
	maxHeader = 64 << 20          // bytes of a movie box or a movie fragment box; of an hour at 60 pictures a second it is 5 MiB
	maxSample = 32 << 20          // bytes of a sample, twice the longest message of RTMP
)

// errBack is what there is when a file that cannot be sought in is not in the order in which it is read.
var errBack = errors.New("the file is not in the order of playing, as one is not that has its index (moov) at its end: that takes an io.Seeker")

// A source is a file that is read from its beginning to its end or, if it is an io.Seeker, in any order. Offsets count from where it stood.
type source struct {
	r      io.Reader
	seeker io.Seeker // nil if there is none
	start  int64     // where the seeker's offsets count from
	at     int64
}

func newSource(r io.Reader) *source {
	s := &source{r: r}
	if seeker, ok := r.(io.Seeker); ok { // pipes are seekers too, that fail
		if at, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			s.seeker, s.start = seeker, at
		}
	}
	return s
}

// to goes to an offset.
func (s *source) to(offset int64) error {
	switch {
	case offset == s.at:
		return nil
	case s.seeker != nil:
		if _, err := s.seeker.Seek(s.start+offset, io.SeekStart); err != nil {
			return err
		}
	case offset < s.at:
		return errBack
	default:
		n, err := io.CopyN(io.Discard, s.r, offset-s.at)
		if s.at += n; err != nil {
			return ends(err)
		}
	}
	s.at = offset
	return nil
}

// read reads n bytes into the memory of b, or more of it. It takes no more than twice of what there is to read.
func (s *source) read(b []byte, n int) ([]byte, error) {
	b = b[:0]
	for len(b) < n {
		from := len(b)
		some := min(n-from, max(cap(b)-from, from, 64<<10))
		b = slices.Grow(b, some)[:from+some]
		got, err := io.ReadFull(s.r, b[from:])
		if s.at += int64(got); err != nil {
			return nil, ends(err)
		}
	}
	return b, nil
}

// ends makes an error of the end of a file where there should be more.
func ends(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A span is where a box of the file is.
type span struct {
	kind       string
	begin, end int64 // of all of it; the end of one that goes on up to the end of the file is maxOffset
}

// span reads the header of the box that begins here. It returns io.EOF if the file ends here.
func (s *source) span() (x span, err error) {
	x.begin = s.at
	var b [8]byte
	n, err := io.ReadFull(s.r, b[:])
	if s.at += int64(n); err != nil {
		return x, err // io.EOF, if nothing was there
	}
	header := reader{b: b[:4]}
	size := uint64(header.u32())
	x.kind = string(b[4:])
	switch size {
	case 0:
		size = maxOffset
	case 1:
		n, err := io.ReadFull(s.r, b[:])
		if s.at += int64(n); err != nil {
			return x, ends(err)
		}
		header = reader{b: b[:]}
		size = header.u64()
	}
	if size < uint64(s.at-x.begin) || size > maxOffset {
		return x, fmt.Errorf("box %q of %d bytes at %d", x.kind, size, x.begin)
	}
	x.end = min(x.begin+int64(size), maxOffset)
	return x, nil
}

// content reads what is in the box whose header was read last.
func (s *source) content(x span) ([]byte, error) {
	size := x.end - s.at
	if size > maxHeader {
		return nil, fmt.Errorf("box %q of %d bytes, more than %d", x.kind, size, maxHeader)
	}
	b, err := s.read(nil, int(size))
	if err != nil {
		return nil, fmt.Errorf("box %q of %d bytes: %w", x.kind, size, err)
	}
	return b, nil
}
