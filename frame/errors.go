package frame

import "errors"

// ErrUnsupported refuses what a Decoder cannot decode at all, however whole it is: a codec that its FFmpeg was built without, samples of a
// depth or a layout that nothing reads. The next picture of the stream will be refused, too. It also refuses what no file of a kind can be made of: a
// picture without pixels, or one that is larger than such files are.
var ErrUnsupported = errors.New("not supported here")
