package capture

// A step is what a line can do next.
type step int

const (
	send   step = iota
	await       // units that are still to come, for a while
	follow      // wait for the stream to go on
	idle        // wait for captures, for a while
	stop
)

// step decides what to do next; c.lines.mu is held.
func (l *line) step() step {
	last, passing := -1, -1
	for _, w := range l.want {
		if w.passing {
			passing = max(passing, w.index)
		} else {
			last = max(last, w.index)
		}
	}
	if last >= 0 {
		last = max(last, passing)
	}
	over := false
	if len(l.sent) == len(l.gop) || l.warm {
		over = l.grow()
	}
	more := len(l.sent) < len(l.gop) && l.gop[len(l.sent)].Data != nil
	_, atOnce := l.decoder.(gatherer)
	switch {
	case last >= 0 && more && (len(l.sent) <= last || !atOnce):
		return send
	case last >= 0 && !atOnce && !over && l.patient(last):
		return await
	case last >= 0 || l.warm && over && l.held == 0:
		return stop
	case over && !more && l.out >= 0 && l.gop[l.out].PTS >= l.top: // nothing is left of the GOP
		return stop
	case l.warm && more && l.gop[len(l.gop)-1].DTS-l.gop[len(l.sent)].DTS >= l.camera.Warm:
		return send
	case l.warm || l.held > 0:
		return follow
	}
	return idle
}

// patient reports whether to wait for what the decoder may need to put the picture of unit i into order.
func (l *line) patient(i int) bool {
	return (l.warm || l.camera.lines.again) && l.camera.serving() != nil && l.gop[i].PTS-l.gop[len(l.gop)-1].DTS < patience
}

// grow looks what has come of the GOP, and reports whether it is over.
func (l *line) grow() (over bool) {
	gops, i := l.camera.History.Around(l.gop, 1)
	if i < 0 {
		return true
	}
	if len(gops[i]) > len(l.gop) {
		l.gop = gops[i]
	}
	return i < len(gops)-1
}
