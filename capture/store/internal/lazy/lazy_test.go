package lazy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/livestill/livestill/capture/store/internal/lazy"
)

// open makes a Reader of a file of size bytes with the sum of data, which reads from is, by one byte or by several.
func open(size int, data, is []byte, opened *int) *lazy.Reader {
	sum := sha256.Sum256(data)
	return &lazy.Reader{Size: int64(size), SHA256: hex.EncodeToString(sum[:]), Open: func(offset int64) (io.ReadCloser, error) {
		*opened++
		rest := io.Reader(bytes.NewReader(is[min(int(offset), len(is)):]))
		if *opened%2 == 0 {
			rest = iotest.DataErrReader(iotest.OneByteReader(rest))
		}
		return io.NopCloser(rest), nil
	}}
}

func TestReader(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("a"), bytes.Repeat([]byte("still"), 1000)} {
		opened := 0
		r := open(len(data), data, data, &opened)
		for _, whence := range []int{io.SeekEnd, io.SeekStart} { // as http.ServeContent does
			if _, err := r.Seek(0, whence); err != nil || opened != 0 {
				t.Errorf("%v; opened %d times before it was read", err, opened)
			}
		}
		for range 2 {
			if err := iotest.TestReader(r, data); err != nil {
				t.Errorf("%d bytes: %v", len(data), err)
			}
			if _, err := r.Seek(0, io.SeekStart); err != nil {
				t.Error(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestReaderTellsOthers from the file that was opened.
func TestReaderTellsOthers(t *testing.T) {
	for about, test := range map[string]struct {
		is   string
		want error
	}{
		"the same": {"still", nil}, "of other bytes": {"stick", lazy.ErrReplaced}, "shorter": {"sti", io.ErrUnexpectedEOF},
	} {
		for range 2 {
			opened := 0
			r := open(5, []byte("still"), []byte(test.is), &opened)
			if got, err := io.ReadAll(r); !errors.Is(err, test.want) || err == nil && string(got) != "still" {
				t.Errorf("%s: %q, %v, want %v", about, got, err, test.want)
			}
		}
	}
	failing := errors.New("no connection")
	r := &lazy.Reader{Size: 5, Open: func(int64) (io.ReadCloser, error) { return nil, failing }}
	if _, err := io.ReadAll(r); !errors.Is(err, failing) {
		t.Error(err)
	}
}
