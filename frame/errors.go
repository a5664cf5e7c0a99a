package frame

import "errors"

// ErrUnsupported refuses what a Decoder cannot decode at all, however whole it is: a codec that its FFmpeg was built without, samples of a
// depth or a layout that nothing reads. The next picture of the stream will be refused, too. It also refuses what no file of a kind can be made of: a
// picture without pixels, or one that is larger than such files are.
var ErrUnsupported = errors.New("not supported here")

// ErrSetting refuses a setting of an encoder that is out of its range, such as a Quality of 500. The error says which, and what it may be.
var ErrSetting = errors.New("setting out of range")
