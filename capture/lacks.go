package capture

import (
	"fmt"
)

// lacks tells why there is no picture of the stream that is live, or that there is none; nothing once a key unit has come.
func (c *Camera) lacks() (text string) {
	s := c.serving.Load()
	switch units := c.stats.units.Load(); {
	case s == nil:
		return "no stream has begun"
	case c.stats.begun.Load():
		return ""
	case units > 0:
		return fmt.Sprintf("%d units of the stream have come, but no key unit, with which decoding begins", units)
	case s.Lacks != nil:
		_ = contain(func() error {
			text = s.Lacks()
			return nil
		})
	}
	if text == "" {
		text = "no unit of the stream has come"
	}
	return text
}

// waited adds to why a capture waits no longer what it has waited for.
func (c *Camera) waited(err error) error {
	if text := c.lacks(); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
