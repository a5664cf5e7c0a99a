package rtsp

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
)

// describe asks the server what it has, and picks a video of that.
func (p *pull) describe() (*description.Session, video, error) {
	var desc *description.Session
	err := p.twice(func() (err error) {
		desc, _, err = p.conn.Describe(p.url)
		return err
	})
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
	if v.media.Control == "*" { // as of a whole session
		v.media.Control = ""
	}
	if u, err := v.media.URL(desc.BaseURL); err != nil || u == nil { // the library would ask for "*", or panic
		return nil, video{}, fmt.Errorf("%w: its control attribute is no URL: %.100q", ErrSDP, v.media.Control)
	}
	v.measure(p.answers.body, desc)
	p.takesPLI = takesPLI(v.attributes(p.answers.body, desc), v.format.PayloadType())
	return desc, v, nil
}

// twice asks the server for something, and once more if it was refused for a nonce that was too old, or for its range.
func (p *pull) twice(ask func() error) error {
	err := ask()
	if err != nil && (p.credentials.Renewed() || p.answers.again) {
		p.answers.again = false
		err = ask()
	}
	return err
}
