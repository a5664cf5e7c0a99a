package truth

import (
	"slices"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
)

// An Exact has the names of a still that JSON does not keep as they are, since a stranger may have chosen bytes that are no UTF-8. It is nil if
// there is none.
type Exact [][]byte

// ExactOf returns the names of a still, if JSON would not keep one of them.
func ExactOf(s *capture.Still) (e Exact) {
	all := names(s)
	if !slices.ContainsFunc(all, func(name *string) bool { return !utf8.ValidString(*name) }) {
		return nil
	}
	for _, name := range all {
		e = append(e, []byte(*name))
	}
	return e
}

// Restore puts the names back into a still that was read from JSON.
func (e Exact) Restore(s *capture.Still) {
	for i, name := range names(s) {
		if i < len(e) {
			*name = string(e[i])
		}
	}
}

// names are in the order in which files have them: what is added comes last.
func names(s *capture.Still) []*string {
	return []*string{&s.Stream, &s.ID, &s.Variant, &s.Type, &s.Request.By, &s.Request.Stream, &s.Request.ID}
}
