package rtmp

import (
	"bufio"
	"context"
	"errors"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/yutopp/go-rtmp/message"
)

var (
	errLeft  = errors.New("the publisher left")
	errTwice = errors.New("the units of a stream can be ranged over once")
)

// units is the stream's Units.
func (c *session) units(ctx context.Context, yield func(frame.AccessUnit, error) bool) {
	if c.accepted {
		yield(frame.AccessUnit{}, c.wrap(errTwice))
		return
	}
	err := c.role.accept()
	for err == nil {
		var u frame.AccessUnit
		if u, err = c.unit(ctx); err == nil && !yield(u, nil) {
			return
		}
	}
	if c.left = errors.Is(err, errLeft); c.left {
		return
	}
	if err = explain(ctx, err, c.idle, "whole message"); ctx.Err() == nil {
		err = c.wrap(err)
	}
	yield(frame.AccessUnit{}, err)
}

// accept tells the encoder to begin, and makes room for media.
func (c *session) accept() error {
	c.accepted, c.step = true, "receive"
	c.buffer = bufio.NewReaderSize(c.buffer, mediaBuffer) // large reads go past the small buffer once it is empty
	c.packets.r, c.packets.maxLength = c.buffer, c.maxMessage
	c.wire.patience = c.idle
	if c.forecast {
		begins := status{"status", string(message.NetStreamOnStatusCodePublishStart), c.name}
		if err := c.wire.call(c.publish.stream, "onFCPublish", 0, nil, begins); err != nil {
			return err
		}
	}
	return c.wire.onStatus(c.publish.stream, message.NetStreamOnStatusLevelStatus, message.NetStreamOnStatusCodePublishStart,
		c.name+" is now published.")
}

// unit returns the next access unit. Messages of other kinds on the way are obeyed or ignored.
func (c *session) unit(ctx context.Context) (frame.AccessUnit, error) {
	for {
		if err := ctx.Err(); err != nil {
			return frame.AccessUnit{}, err
		}
		c.wire.patient = false
		p, err := c.packets.next()
		if err != nil {
			return frame.AccessUnit{}, unexpected(err)
		}
		switch {
		case isData(p.kind), isMetadata(p):
			if c.onCue == nil {
				continue
			}
			if cue, ok := c.cue(p); ok {
				c.onCue(cue)
			}
		case p.kind == message.TypeIDVideoMessage:
			u, ok, err := c.video.Unit(0, p.body)
			if err != nil {
				return frame.AccessUnit{}, err
			}
			if ok && (u.Key || c.timeline.started) { // whoever joins a stream may come into the middle of a GOP
				// Only pictures move the timeline: encoders send sequence headers with whatever timestamp.
				at := c.timeline.place(p.time)
				u.PTS += at
				u.DTS += at
				c.clock.Stamp(&u, time.Now())
				return u, nil
			}
		default:
			if err := c.role.obey(p); err != nil {
				return frame.AccessUnit{}, err
			}
		}
	}
}

// A role is what the two sides of a stream do differently once its Units is ranged over.
type role interface {
	accept() error       // tells the peer to begin
	obey(p packet) error // acts on a message that is neither media nor data; the error is errLeft if it ends the stream
}

// obey obeys a control message or answers a command of an encoder that publishes. Encoders send one to three of the commands that end
// the stream, and often do not wait.
func (c *session) obey(p packet) error {
	if !isCommand(p.kind) {
		c.wire.control(p)
		return nil
	}
	cmd, err := parseCommand(p)
	if err != nil {
		return err
	}
	switch {
	case cmd.name == "FCUnpublish", cmd.name == "deleteStream", cmd.name == "closeStream",
		cmd.name == "publish" && cmd.text(1) == "": // of nothing, as ActionScript's NetStream.publish(false) has it
		return errors.Join(errLeft, c.answer(cmd), c.wire.onStatus(c.publish.stream, message.NetStreamOnStatusLevelStatus,
			message.NetStreamOnStatusCodeUnpublishSuccess, c.name+" is no longer published."))
	case cmd.name == "publish", cmd.name == "connect":
		return protocolError("%s while publishing", cmd.name)
	}
	return c.answer(cmd)
}

// wrap says at which step of which stream err came, unless that was said.
func (c *session) wrap(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	return &Error{Step: c.step, Stream: c.name, Remote: c.wire.RemoteAddr(), Err: err}
}
