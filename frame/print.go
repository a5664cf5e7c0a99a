package frame

import (
	"fmt"
	"log/slog"
)

// String is the unit in a line, without its data.
func (u AccessUnit) String() string {
	return fmt.Sprintf("%v unit of %d bytes, PTS %v, DTS %v%s", u.Codec, len(u.Data), u.PTS, u.DTS, flags("key", u.Key, "lost", u.Lost))
}

// LogValue is the unit in a line of a log.
func (u AccessUnit) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("codec", u.Codec.String()), slog.Int("bytes", len(u.Data)), slog.Duration("pts", u.PTS), slog.Duration("dts", u.DTS),
		slog.Time("time", u.Time), slog.Bool("key", u.Key), slog.Bool("lost", u.Lost),
	)
}

// String is the picture in a line, without its pixels.
func (p Picture) String() string {
	return fmt.Sprintf("picture of %s, PTS %v, QP %.1f%s", p.size(), p.PTS, p.QP, flags("key", p.Key, "corrupt", p.Corrupt))
}

// LogValue is the picture in a line of a log.
func (p *Picture) LogValue() slog.Value {
	if p == nil {
		return slog.AnyValue(nil)
	}
	return slog.GroupValue(
		slog.String("size", p.size()), slog.Duration("pts", p.PTS), slog.Time("time", p.Time), slog.Bool("key", p.Key),
		slog.Bool("corrupt", p.Corrupt), slog.Float64("qp", float64(p.QP)),
	)
}

// String is the stream in a line, without what may be secret: its Key, and its Query.
func (s *Stream) String() string {
	if s == nil {
		return "no stream"
	}
	return fmt.Sprintf("stream %q from %v", s.Name, s.Remote)
}

// LogValue is the stream in a line of a log.
func (s *Stream) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (p Picture) size() string {
	if p.YCbCr == nil {
		return "no pixels"
	}
	return fmt.Sprintf("%dx%d", p.Rect.Dx(), p.Rect.Dy())
}

// flags are the names of what is so.
func flags(first string, isFirst bool, second string, isSecond bool) (text string) {
	if isFirst {
		text += ", " + first
	}
	if isSecond {
		text += ", " + second
	}
	return text
}
