package rtsp

// Mend makes a description that the library refuses one that it takes.
func Mend(body []byte) (mended []byte, ok bool) { return mend(body) }
