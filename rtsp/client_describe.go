package rtsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
)

// A description is not needed for these: the stream has parameter sets of its own, or else no picture comes of it. Cameras are known
// to send some that are cut off, or of another profile than the library knows.
const dispensable = " sprop-parameter-sets sprop-vps sprop-sps sprop-pps config profile-level-id "

const maxRedirects = 8 // of one attempt; balancers make one or two

// The answers of a server are looked at before the library does. All of this belongs to the library's goroutine, and to whoever has asked
// it for something and got an answer.
type answers struct {
	asked     base.Method // the newest request
	described bool        // it was answered with a description
	size      int         // of that, in bytes
	redirects int
}

// describe asks the server what it has, and picks a video of that.
func (p *pull) describe() (*description.Session, video, error) {
	desc, _, err := p.conn.Describe(p.url)
	switch {
	case err != nil && p.answers.size > defaultMaxSDP:
		return nil, video{}, fmt.Errorf("%w: it has %d bytes, more than %d", ErrSDP, p.answers.size, defaultMaxSDP)
	case err != nil && p.answers.described:
		return nil, video{}, fmt.Errorf("%w: %w", ErrSDP, err)
	case err != nil:
		return nil, video{}, err
	}
	v, err := choose(desc, p.Codec, p.Media)
	if err != nil {
		return nil, video{}, err
	}
	if u, err := v.media.URL(desc.BaseURL); err != nil || u == nil { // the library would ask for "*", or panic
		return nil, video{}, fmt.Errorf("%w: its control attribute is no URL: %.100q", ErrSDP, v.media.Control)
	}
	return desc, v, nil
}

// answer looks at what a server answers before the library does.
func (p *pull) answer(res *base.Response) {
	if p.answers.asked == base.Describe && len(res.Header["Location"]) > 0 {
		if p.answers.redirects++; p.answers.redirects > maxRedirects {
			delete(res.Header, "Location") // the library takes the status for an error then
		}
	}
	if p.answers.described = p.answers.asked == base.Describe && res.StatusCode == base.StatusOK; !p.answers.described {
		return
	}
	if p.answers.size = len(res.Body); p.answers.size > defaultMaxSDP { // the library takes seconds for large ones of a certain kind
		res.Body = nil
		return
	}
	if body, ok := mend(res.Body); ok {
		res.Body = body
		p.log.Info("what is malformed in the description is left out")
	}
}

// mend makes a description that the library refuses one that it takes, without parameters that can be dispensed with, and without
// medias other than video that are malformed all the same. It returns false if there is nothing to mend.
func mend(body []byte) (mended []byte, ok bool) {
	var s sdp.SessionDescription
	if s.Unmarshal(body) != nil {
		return nil, false
	}
	medias := s.MediaDescriptions[:0]
	for _, m := range s.MediaDescriptions {
		parses := func() bool { return new(description.Media).Unmarshal(m) == nil }
		if !parses() {
			ok = true
			for i, a := range m.Attributes {
				if a.Key == "fmtp" {
					m.Attributes[i].Value = dispense(a.Value)
				}
			}
			if m.MediaName.Media != string(description.MediaTypeVideo) && !parses() {
				continue
			}
		}
		medias = append(medias, m)
	}
	if !ok {
		return nil, false
	}
	s.MediaDescriptions = medias
	mended, err := s.Marshal()
	return mended, err == nil
}

// dispense leaves out of the value of an fmtp attribute, RFC 8866 section 6.15, what can be dispensed with:
//
//	96 packetization-mode=1; sprop-parameter-sets=...
func dispense(fmtp string) string {
	payloadType, parameters, _ := strings.Cut(strings.TrimSpace(fmtp), " ")
	kept := slices.DeleteFunc(strings.Split(parameters, ";"), func(p string) bool {
		name, _, _ := strings.Cut(strings.TrimSpace(p), "=")
		return name != "" && strings.Contains(dispensable, " "+strings.ToLower(name)+" ")
	})
	return payloadType + " " + strings.Join(kept, ";")
}
