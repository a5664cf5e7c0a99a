package frame

import "errors"

// ErrUnsupported refuses what a Decoder cannot decode at all, however whole it is: a codec that its FFmpeg was built without, samples of a
// depth or a layout that nothing reads. The next picture of the stream will be refused, too.
var ErrUnsupported = errors.New("not supported here")
