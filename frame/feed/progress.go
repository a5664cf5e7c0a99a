package feed

import "io"

const mostIdle = 100 // reads in a row that bring nothing, as in bufio

// A progress is a reader that ends with io.ErrNoProgress where one would go on for ever to bring nothing, and no error.
type progress struct{ r io.Reader }

func (p progress) Read(b []byte) (n int, err error) {
	for range mostIdle {
		if n, err = p.r.Read(b); n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// progressing returns r as a progress, which can be sought in as r can.
func progressing(r io.Reader) io.Reader {
	if seeker, ok := r.(io.Seeker); ok {
		return struct {
			progress
			io.Seeker
		}{progress{r}, seeker}
	}
	return progress{r}
}
