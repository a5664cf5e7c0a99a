package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
)

// What follows shadows the fields that JSON writes otherwise than Go: encoding/json takes the one of two fields of a name that is less deep.
type (
	bareRequest Request // without methods
	requestJSON struct {
		*bareRequest
		MaxAge    seconds `json:"max_age_seconds,omitempty"`
		Tolerance seconds `json:"tolerance_seconds,omitempty"`
		Lookahead seconds `json:"lookahead_seconds,omitempty"`
	}

	bareStill Still
	stillJSON struct {
		*bareStill
		PTS     seconds    `json:"pts_seconds"`
		Age     seconds    `json:"age_seconds"`
		Backlog seconds    `json:"backlog_seconds,omitempty"`
		Frozen  seconds    `json:"frozen_seconds,omitempty"`
		Instead string     `json:"instead,omitempty"`
		Error   *errorJSON `json:"error,omitempty"`
	}

	bareStep Step
	stepJSON struct {
		*bareStep
		Took seconds `json:"took_seconds"`
	}

	eventJSON struct {
		Request Request    `json:"request"`
		Still   *Still     `json:"still,omitempty"`
		Error   *errorJSON `json:"error,omitempty"`
	}

	errorJSON struct {
		Kind    string `json:"kind,omitempty"`
		Step    string `json:"step,omitempty"`
		Stream  string `json:"stream,omitempty"`
		ID      string `json:"id,omitempty"`
		Variant string `json:"variant,omitempty"`
		Reason  string `json:"reason,omitempty"`
		Text    string `json:"text"`
	}
)

// MarshalJSON writes durations in seconds. It does not fail.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(requestJSON{(*bareRequest)(&r), seconds(r.MaxAge), seconds(r.Tolerance), seconds(r.Lookahead)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Request) UnmarshalJSON(b []byte) error {
	j := requestJSON{(*bareRequest)(r), seconds(r.MaxAge), seconds(r.Tolerance), seconds(r.Lookahead)} // what is not told stays
	r.Labels = maps.Clone(r.Labels)                                                                    // which others may have, too
	variants, own := r.Variants, r.Own
	r.Variants, r.Own = nil, nil
	err := json.Unmarshal(b, &j)
	r.MaxAge, r.Tolerance, r.Lookahead = time.Duration(j.MaxAge), time.Duration(j.Tolerance), time.Duration(j.Lookahead)
	if r.Variants == nil {
		r.Variants = variants
	}
	if r.Own == nil {
		r.Own = own
	}
	return err
}

// MarshalJSON writes all but Data and the pictures. It does not fail.
func (s Still) MarshalJSON() ([]byte, error) {
	j := stillJSON{bareStill: (*bareStill)(&s), PTS: seconds(s.PTS), Age: seconds(s.Age), Backlog: seconds(s.Backlog), Frozen: seconds(s.Frozen)}
	if s.Instead != nil {
		j.Instead = s.Instead.Error()
	}
	j.Error = newErrorJSON(s.Err)
	s.Wanted, s.Time = utc(s.Wanted), utc(s.Time)
	s.QP = float32(finite(float64(s.QP)))
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. It knows ErrCorrupt, ErrForgotten and ErrBlank by their texts.
func (s *Still) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	*s = Still{}
	j := stillJSON{bareStill: (*bareStill)(s)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	s.PTS, s.Age, s.Backlog, s.Frozen = time.Duration(j.PTS), time.Duration(j.Age), time.Duration(j.Backlog), time.Duration(j.Frozen)
	s.Err = j.Error.err()
	if j.Instead == "" {
		return nil
	}
	s.Instead = errors.New(j.Instead)
	for _, known := range []error{ErrCorrupt, ErrForgotten, ErrBlank} {
		if rest, ok := strings.CutPrefix(j.Instead, known.Error()); ok {
			s.Instead = fmt.Errorf("%w%s", known, rest)
		}
	}
	return nil
}

// MarshalJSON writes Took in seconds.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(stepJSON{(*bareStep)(&s), seconds(s.Took)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Step) UnmarshalJSON(b []byte) error {
	j := stepJSON{(*bareStep)(s), seconds(s.Took)}
	err := json.Unmarshal(b, &j)
	s.Took = time.Duration(j.Took)
	return err
}

// MarshalJSON writes what is not finite as zero.
func (s Scores) MarshalJSON() ([]byte, error) {
	for _, v := range []*float64{
		&s.PSNR, &s.Quality, &s.Sharpness, &s.Noise, &s.Blockiness, &s.Brightness, &s.Black, &s.White, &s.MotionBlur,
	} {
		*v = finite(*v)
	}
	type bare Scores
	return json.Marshal(bare(s))
}

// MarshalJSON writes an object with request, and with still or error. An error has a text, the step, stream, id and variant of an Error, the reason of a
// Denied, and a kind if it is one of those that a caller may branch on: denied, forgotten, corrupt, unsupported, blank, unchanged, not_live,
// taken_over, live, deleted, variant, setting, no_decoder, bad_rotation, too_costly, rejected, deadline, canceled.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(eventJSON{e.Request, e.Still, newErrorJSON(e.Err)})
}

// UnmarshalJSON reads what MarshalJSON writes. Of Err, errors.Is tells what it told before if that has a kind, and errors.As the Error and the
// Denied.
func (e *Event) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*e = Event{Request: j.Request, Still: j.Still, Err: j.Error.err()}
	return nil
}

// kinds are what a caller may branch on, with the names that JSON has for it. The first that an error is counts.
var kinds = []struct {
	name string
	is   error
}{
	{"denied", ErrDenied},
	{"forgotten", ErrForgotten},
	{"corrupt", ErrCorrupt},
	{"unsupported", ErrUnsupported},
	{"blank", ErrBlank},
	{"unchanged", ErrUnchanged},
	{"not_live", ErrNotLive},
	{"taken_over", ErrTakenOver},
	{"live", ErrLive},
	{"deleted", ErrDeleted},
	{"variant", ErrVariant},
	{"setting", ErrSetting},
	{"no_decoder", ErrDecoder},
	{"bad_rotation", ErrRotate},
	{"too_costly", ErrTooCostly},
	{"rejected", ErrRejected},
	{"deadline", context.DeadlineExceeded},
	{"canceled", context.Canceled},
}

func newErrorJSON(err error) *errorJSON {
	if err == nil {
		return nil
	}
	j := errorJSON{Text: err.Error()}
	for _, kind := range kinds {
		if errors.Is(err, kind.is) {
			j.Kind = kind.name
			break
		}
	}
	var denied Denied
	var pointer *Denied
	switch {
	case errors.As(err, &denied):
		j.Reason = denied.Reason
	case errors.As(err, &pointer):
		j.Reason = pointer.Reason
	}
	var failed *Error
	if errors.As(err, &failed) && failed.Err != nil {
		j.Step, j.Stream, j.ID, j.Variant, j.Text = failed.Step, failed.Stream, failed.ID, failed.Variant, failed.Err.Error()
	}
	return &j
}

// err is the error that j was made of, as far as JSON tells.
func (j *errorJSON) err() error {
	if j == nil {
		return nil
	}
	told := toldError{text: j.Text}
	for _, kind := range kinds {
		if kind.name == j.Kind {
			told.is = kind.is
		}
	}
	if j.Kind == "denied" {
		told.is = Denied{j.Reason}
	}
	if j.Step == "" {
		return told
	}
	return &Error{Step: j.Step, Stream: j.Stream, ID: j.ID, Variant: j.Variant, Err: told}
}

// A toldError is an error that another process has told of.
type toldError struct {
	text string
	is   error // of those that a caller may branch on; may be nil
}

func (e toldError) Error() string { return e.text }
func (e toldError) Unwrap() error { return e.is }

// seconds are a Duration that JSON has as a number of seconds, exact to the nanosecond.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) {
	sign, ns := "", uint64(s)
	if s < 0 {
		sign, ns = "-", -ns
	}
	text := fmt.Sprintf("%s%d.%09d", sign, ns/1e9, ns%1e9)
	return []byte(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")), nil
}

func (s *seconds) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	d, err := time.ParseDuration(string(b) + "s") // of digits and a point it takes every one
	if err != nil {
		var v float64
		if v, err = strconv.ParseFloat(string(b), 64); err == nil {
			d, err = time.ParseDuration(strconv.FormatFloat(v, 'f', 9, 64) + "s")
		}
	}
	if err != nil {
		return fmt.Errorf("%.40s is no number of seconds", b)
	}
	*s = seconds(d)
	return nil
}

// utc returns t without its zone; the zero time for one that JSON has no words for.
func utc(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
