package capture

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// A Request asks for one still. The zero Request asks for the newest picture. As JSON its names are those of the tags, its durations seconds,
// its Moment what MarshalText writes.
type Request struct {
	// Stream says which stream. A Hub finds its Camera by it; a Camera
	// fills it in.
	Stream string `json:"stream,omitempty"`

	Moment Moment `json:"moment"` // which picture

	// By is who asks; for Policy and whoever else wants to know.
	By string `json:"by,omitempty"`

	// Labels are what else is to be known of who asks and what for: a
	// tenant, rights, a licence. All hooks see them, a Spool and the stores
	// keep them, and Open gives them back. Immutable once asked. They are
	// UTF-8; stores take MaxLabels of them.
	Labels map[string]string `json:"labels,omitempty"`

	// Variants name the files that are wanted: some of Camera.Variants, and
	// "" for the still itself. Nil means all. A name that there is not is
	// an ErrVariant. If the still itself is not wanted, Still has no Data,
	// no Picture and no Location, and is not stored; its Variants are.
	Variants []string `json:"variants,omitzero"`

	// Own are Variants of the asker's own beside those, up to 16; immutable
	// once asked. Their names differ from those of all Camera.Variants,
	// asked for or not. Whether they may be had is for the Policy to say.
	Own []Variant `json:"own,omitempty"`

	// ID names the still; empty means a new random one. A Store replaces
	// what it has of the same picture under the same ID.
	ID string `json:"id,omitempty"`

	// MaxAge is how old the picture may be when it is asked for, as
	// Still.Age has it: older ones are an ErrForgotten, or an ErrNotLive if
	// the stream has ended. Zero and less mean all that the History
	// remembers.
	MaxAge time.Duration `json:"max_age_seconds,omitempty"`

	// Tolerance is how far from the wanted instant another picture may be
	// that stands in for one that is damaged or forgotten. Zero means one
	// second; negative means that only the very picture will do.
	Tolerance time.Duration `json:"tolerance_seconds,omitempty"`

	// Lookahead is how far beyond its picture a capture may wait for others
	// that make it better, if the Enhancer is a Merger: until all that is
	// shown within it is there. A tenth of a second is three pictures of
	// thirty a second. It ends early when the next GOP begins, since what
	// comes after adds little, so that ten seconds mean the next key
	// picture; and when the stream ends. One that stalls delays the capture
	// by half a second more by the clock. Zero takes what is there
	// already; negative does without any neighbours, those before as well,
	// which is quick.
	Lookahead time.Duration `json:"lookahead_seconds,omitempty"`
}

const defaultTolerance = time.Second

// itself reports whether the still itself is wanted.
func (r Request) itself() bool { return r.Variants == nil || slices.Contains(r.Variants, "") }

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

// A Still is a finished capture, and the truth about it. As JSON it is the truth alone, without its pixels: its names are those of the tags, its
// durations seconds, its times UTC, Instead its text. What JSON has no words for is zero there: numbers that are not finite, and times beyond
// the year 9999.
type Still struct {
	ID     string `json:"id"`
	Stream string `json:"stream"`

	// Variant says which of the stills with the same ID this is: the Name
	// of a Variant. Empty is the still itself.
	Variant string `json:"variant,omitempty"`

	// Variants are the other files of the same still, in the order of
	// Camera.Variants and Request.Own. Each has its own Data, Type,
	// Picture, Steps and Location. A Sealer and a Store are given each by
	// itself, and see none here.
	Variants []*Still `json:"variants,omitempty"`

	// Err is of a Variant that is not there, for its Encoder is not: an
	// *Error that is an ErrUnsupported. It is nil of all else.
	Err error `json:"-"`

	// Request is as it was asked for, with Stream and ID filled in.
	Request Request `json:"request"`

	Data []byte `json:"-"`    // the image file; immutable
	Type string `json:"type"` // its media type

	// Picture is the finished picture before it was encoded; immutable; nil
	// in a Still that was read from JSON.
	Picture *frame.Picture `json:"-"`

	// Wanted is the instant asked for, by the same clock as Time.
	Wanted time.Time `json:"wanted"`

	// Time is when the delivered picture was shown, by the source's clock
	// if the stream tells it. Of an interlaced picture it is when the field
	// was that is delivered. Where that is the second of a unit that has
	// both, as Steps tell, it is half a picture after Picture.Time.
	Time time.Time `json:"time"`

	// PTS is its presentation time in the publisher's stream, also that of
	// the field.
	PTS time.Duration `json:"pts_seconds"`

	// Age is how old the picture was when the capture was asked for: for
	// how long it had been shown, by this machine's clock, and the Backlog.
	// It is negative where the moment was in the future.
	Age time.Duration `json:"age_seconds"`

	// Backlog is by how much the publisher is known to have been behind:
	// see frame.AccessUnit. It is a part of Age.
	Backlog time.Duration `json:"backlog_seconds,omitempty"`

	// Signal is what the picture was like in the stream. What was done to
	// it since, Steps tell.
	Signal frame.Signal `json:"signal,omitzero"`

	Key bool `json:"key"` // it is a key picture
	// QP is its mean quantiser in the codec's own scale; zero if unknown.
	QP float32 `json:"qp,omitempty"`

	// Scores are of the picture as it was decoded.
	Scores Scores `json:"scores,omitzero"`

	// Frozen is for how long the same picture had been on show before, as
	// far back as its GOP: see frame.Picture.
	Frozen time.Duration `json:"frozen_seconds,omitempty"`

	// Blank says that it is of one colour, and so is all within Tolerance.
	Blank bool `json:"blank,omitempty"`

	// Off is by how many pictures it comes after the wanted one; negative
	// if before.
	Off int `json:"off,omitempty"`

	// Ranked is of a Best: the pictures that were looked at, the best
	// first, which is the delivered one.
	Ranked []Ranked `json:"-"`

	// Literal is of a Best: the very picture of the moment; nil if it is
	// damaged.
	Literal *frame.Picture `json:"-"`

	// Merged is how many pictures the Enhancer was given to make it of,
	// this one and its neighbours; zero without an Enhancer.
	Merged int `json:"merged,omitempty"`

	// Refined says that it replaces the one under the same ID that Refine
	// delivered first.
	Refined bool `json:"refined,omitempty"`

	// Instead is nil if this is the very picture. Else it says why another
	// within Tolerance stands in for it: ErrCorrupt, ErrForgotten,
	// ErrBlank.
	Instead error `json:"-"`

	// Steps are what touched it, in order, and for how long. Those of a
	// Plain Variant have neither gather nor enhance.
	Steps []Step `json:"steps,omitempty"`

	Location string `json:"location,omitempty"` // where the Store put it
}

// String is the still in a line, without its pixels.
func (s Still) String() string {
	file := fmt.Sprintf("%s of %d bytes", ingest.Printable(s.Type), len(s.Data))
	if s.unwanted() {
		file = "not asked for itself"
	}
	text := fmt.Sprintf("still %q of %q, %s, shown %s, %v before it was asked for", s.ID, s.Stream, file, s.Time.Format(time.RFC3339Nano), s.Age)
	if s.Variant != "" {
		text = fmt.Sprintf("variant %q of ", s.Variant) + text
	}
	if len(s.Variants) > 0 {
		text += fmt.Sprintf(", with %d variants", len(s.Variants))
	}
	if s.Instead != nil {
		text += ", stands in: " + ingest.Printable(s.Instead.Error())
	}
	if s.Err != nil {
		text += ", is not there: " + ingest.Printable(s.Err.Error())
	}
	return text
}

// unwanted reports whether it is the still itself, which was not asked for: it has Variants alone.
func (s *Still) unwanted() bool { return s.Variant == "" && !s.Request.itself() }

// LogValue is the still in a line of a log.
func (s *Still) LogValue() slog.Value {
	if s == nil {
		return slog.AnyValue(nil)
	}
	attrs := []slog.Attr{
		printable("id", s.ID), printable("stream", s.Stream), printable("type", s.Type), slog.Int("bytes", len(s.Data)),
		slog.Time("time", s.Time), slog.Duration("age", s.Age), printable("location", s.Location),
	}
	if s.unwanted() { // so that it has no file
		attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool { return a.Key == "type" || a.Key == "bytes" || a.Key == "location" })
	}
	if s.Variant != "" {
		attrs = append(attrs, printable("variant", s.Variant))
	}
	if len(s.Variants) > 0 {
		attrs = append(attrs, slog.Int("variants", len(s.Variants)))
	}
	if s.Instead != nil {
		attrs = append(attrs, printable("instead", s.Instead.Error()))
	}
	if s.Err != nil {
		attrs = append(attrs, printable("err", s.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// printable is a text that may be a stranger's, fit for a log, whatever its Handler does.
func printable(key, text string) slog.Attr { return slog.String(key, ingest.Printable(text)) }

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
	Name string `json:"name"`

	// Hook is the Go type of the hook that ran; empty for what Camera does
	// itself.
	Hook string `json:"hook,omitempty"`

	// Did is what it changed of the picture, beside its pixels: "squared,
	// tone-mapped". The words are those of frame.Changes; of scale it is
	// the size, "640x360". It is empty where the picture stayed as it was.
	Did string `json:"did,omitempty"`

	// Took is from its beginning to its end, waiting included.
	Took time.Duration `json:"took_seconds"`
}
