package capture_test

import (
	"errors"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// headed is a decoder with a Header: what follows the first two bytes of a key unit.
type headed struct{ *decoder }

func (headed) Header(key frame.AccessUnit) []byte { return key.Data[2:] }

// A GOP whose header is not that of the GOPs around it is damaged; a stream that changes is not.
func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		about   string
		headers []string // of each GOP
		damaged string   // a mark for each GOP
	}{
		{"all the same", []string{"aa", "aa", "aa"}, "..."},
		{"one that differs", []string{"aa", "bc", "aa"}, ".x."},
		{"one that is longer", []string{"aa", "aa", "aaa", "aa"}, "..x."},
		{"a change for good", []string{"aa", "aa", "zz", "zz"}, "...."},
		{"a change for good in little", []string{"aa", "aa", "ac", "ac"}, "...."},
		{"the newest, in little", []string{"aa", "aa", "ac"}, "..x"},
		{"the newest, in much", []string{"aa", "aa", "zz"}, "..."},
		{"the oldest, in little", []string{"ac", "aa", "aa"}, "x.."},
		{"two, and nobody knows which is right", []string{"aa", "ac"}, ".."},
		{"each another", []string{"aa", "ab", "ac", "ad"}, "...."},
		{"by turns", []string{"aa", "bb", "aa", "bb"}, "...."},
		{"none", []string{"", "", ""}, "..."},
	} {
		t.Run(tt.about, func(t *testing.T) {
			us := units(3*len(tt.headers), 3, false)
			for i, h := range tt.headers {
				us[3*i].Data = append([]byte{0, 0}, h...)
			}
			cam := &capture.Camera{Decoder: headed{&decoder{}}}
			for _, u := range us {
				u.Time = frametest.Epoch.Add(u.PTS)
				cam.History.Add(u)
			}
			for i := range tt.headers {
				_, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(us[3*i+1].PTS), Tolerance: -1})
				if damaged := tt.damaged[i] == 'x'; errors.Is(err, capture.ErrCorrupt) != damaged || err != nil && !damaged {
					t.Errorf("GOP %d: %v", i, err)
				}
			}
		})
	}
}
