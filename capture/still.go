package capture

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Request asks for one still. The zero Request asks for the newest picture.
type Request struct {
	// Stream says which stream. A Hub finds its Camera by it; a Camera
	// fills it in.
	Stream string

	Moment Moment `json:"-"` // which picture
	By     string // who asks; for Policy and whoever else wants to know

	// Labels are what else is to be known of who asks and what for: a
	// tenant, rights, a licence. All hooks see them, a Spool and the stores
	// keep them, and Open gives them back. Immutable once asked. They are
	// UTF-8; stores take MaxLabels of them.
	Labels map[string]string `json:",omitempty"`

	// ID names the still; empty means a new random one. A Store replaces
	// what it has of the same picture under the same ID.
	ID string

	// MaxAge is how old the picture may be when it is asked for, by this
	// machine's clock: older ones are an ErrForgotten, or an ErrNotLive if
	// the stream has ended. Zero means all that the History remembers.
	MaxAge time.Duration

	// Tolerance is how far from the wanted instant another picture may be
	// that stands in for one that is damaged or forgotten. Zero means one
	// second; negative means that only the very picture will do.
	Tolerance time.Duration

	// Lookahead is how far beyond its picture a capture may wait for others
	// that make it better, if the Enhancer is a Merger: until all that is
	// shown within it is there. A tenth of a second is three pictures of
	// thirty a second. It ends early when the next GOP begins, since what
	// comes after adds little, so that ten seconds mean the next key
	// picture; and when the stream ends. One that stalls holds the capture
	// for half a second more by the clock. Zero takes what is there
	// already; negative does without any neighbours, those before as well,
	// which is quick.
	Lookahead time.Duration
}

const defaultTolerance = time.Second

func (r Request) tolerance() time.Duration {
	switch {
	case r.Tolerance == 0:
		return defaultTolerance
	case r.Tolerance < 0:
		return 0
	default:
		return r.Tolerance
	}
}

// A Still is a finished capture, and the truth about it. As JSON it is the truth alone: without its pixels, with Instead as its text.
type Still struct {
	ID     string
	Stream string

	// Variant says which of the stills with the same ID this is: "thumb",
	// "original". Empty is the still itself; a Camera makes no other.
	Variant string

	Request Request // as it was asked for, with Stream and ID filled in

	Data []byte `json:"-"` // the image file; immutable
	Type string // its media type

	// Picture is the finished picture before it was encoded; immutable; nil
	// in a Still that was read from JSON.
	Picture *frame.Picture `json:"-"`

	// Wanted is the instant asked for, by the same clock as Time.
	Wanted time.Time

	// Time is when the delivered picture was shown, by the source's clock
	// if the stream tells it.
	Time time.Time

	PTS time.Duration // its presentation time in the publisher's stream

	// Age is how long before the capture was asked for the picture was
	// shown, by this machine's clock; negative for one in the future.
	Age time.Duration

	Key bool // it is a key picture
	// QP is its mean quantiser in the codec's own scale; zero if unknown.
	QP     float32
	Scores Scores // of the picture as it was decoded

	// Frozen is for how long the same picture had been on show before, as
	// far back as its GOP: see frame.Picture.
	Frozen time.Duration

	Blank bool // it is of one colour, and so is all within Tolerance

	// Off is by how many pictures it comes after the wanted one; negative
	// if before.
	Off int

	// Ranked is of a Best: the pictures that were looked at, the best
	// first, which is the delivered one.
	Ranked []Ranked `json:"-"`

	// Literal is of a Best: the very picture of the moment; nil if it is
	// damaged.
	Literal *frame.Picture `json:"-"`

	// Merged is how many pictures the Enhancer was given to make it of,
	// this one and its neighbours; zero without an Enhancer.
	Merged int

	// Refined says that it replaces the one under the same ID that Refine
	// delivered first.
	Refined bool

	// Instead is nil if this is the very picture. Else it says why another
	// within Tolerance stands in for it: ErrCorrupt, ErrForgotten,
	// ErrBlank.
	Instead error

	Steps    []Step // what touched it, in order, and for how long
	Location string // where the Store put it
}

// Step returns how long the named step took; zero if it did not run.
func (s *Still) Step(name string) time.Duration {
	for _, step := range s.Steps {
		if step.Name == name {
			return step.Took
		}
	}
	return 0
}

// A Step is one step of a capture.
type Step struct {
	// Name is as in Error.Step; also gather, before enhance: to wait for
	// the neighbours of a Merger, and to decode them.
	Name string

	// Hook is the Go type of the hook that ran; empty for what Camera does
	// itself.
	Hook string

	Took time.Duration // from its beginning to its end, waiting included
}

// A stillJSON is a Still whose Instead is text.
type stillJSON struct {
	*bareStill
	Instead string `json:",omitempty"`
}

type bareStill Still // without methods

// MarshalJSON writes all but Data, the pictures, and Request.Moment; Wanted tells that. Times are in UTC. It does not fail: what JSON has
// no words for is zero, numbers that are not finite and times beyond the year 9999.
func (s *Still) MarshalJSON() ([]byte, error) {
	bare := bareStill(*s)
	j := stillJSON{bareStill: &bare}
	if s.Instead != nil {
		j.Instead = s.Instead.Error()
	}
	for _, t := range []*time.Time{&bare.Wanted, &bare.Time} {
		if *t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
			*t = time.Time{}
		}
	}
	qp, r := float64(bare.QP), &bare.Scores
	for _, v := range []*float64{
		&qp, &r.PSNR, &r.Quality, &r.Sharpness, &r.Noise, &r.Blockiness, &r.Brightness, &r.Black, &r.White, &r.MotionBlur,
	} {
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			*v = 0
		}
	}
	bare.QP = float32(qp)
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It knows ErrCorrupt, ErrForgotten and ErrBlank by their texts.
func (s *Still) UnmarshalJSON(b []byte) error {
	*s = Still{}
	j := stillJSON{bareStill: (*bareStill)(s)}
	if err := json.Unmarshal(b, &j); err != nil || j.Instead == "" {
		return err
	}
	s.Instead = errors.New(j.Instead)
	for _, known := range []error{ErrCorrupt, ErrForgotten, ErrBlank} {
		if rest, ok := strings.CutPrefix(j.Instead, known.Error()); ok {
			s.Instead = fmt.Errorf("%w%s", known, rest)
		}
	}
	return nil
}
