package ffmpeg_test

import (
	"os"
	"testing"

	"github.com/livestill/livestill/frame/ffmpeg"
)

func TestMain(m *testing.M) {
	ffmpeg.Child()
	os.Exit(m.Run())
}
