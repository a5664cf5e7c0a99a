package ffmpeg_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// deepH264 is a key unit of 320 by 192 samples of some bits, ITU-T H.264 section 7.3.2.1.1, of which nothing else can be decoded.
func deepH264(bits uint32) (data []byte) {
	const high10 = 110
	var sps bitio.Writer
	sps.Put(0x67<<24|high10<<16|30, 32)                    // level 3
	for _, v := range []uint32{0, 1, bits - 8, bits - 8} { // id, chroma_format_idc, bit_depth_luma_minus8, bit_depth_chroma_minus8
		sps.UE(v)
	}
	sps.Put(0, 2)                            // no transform bypass, no scaling matrix
	for _, v := range []uint32{0, 0, 0, 1} { // log2_max_frame_num_minus4, pic_order_cnt_type, its log2, max_num_ref_frames
		sps.UE(v)
	}
	sps.Put(0, 1)
	sps.UE(320/16 - 1)
	sps.UE(192/16 - 1)
	sps.Put(0b1100, 4) // frames alone, direct inference; no cropping, no VUI
	sps.Stop()
	for _, n := range [][]byte{sps.NAL(), {0x68, 0xce, 0x38, 0x80}, {0x65, 0x88, 0x84, 0x10}} {
		data = bitstream.AppendAnnexB(data, n)
	}
	return data
}

// oddJPEG is a file whose chroma is a third as high as its luma.
func oddJPEG(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewYCbCr(image.Rect(0, 0, 96, 96), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	luma, third := []byte{3, 1, 0x22, 0}, []byte{3, 1, 0x13, 0} // of three components, number 1: how often it is sampled, its table
	return bytes.Replace(file.Bytes(), luma, third, 1)
}

// TestUnsupported decodes what FFmpeg knows and cannot do: that is no damage.
func TestUnsupported(t *testing.T) {
	for about, u := range map[string]frame.AccessUnit{
		"H.264, 11 bits":    {Codec: frame.H264, Data: deepH264(11)},
		"H.264, 13 bits":    {Codec: frame.H264, Data: deepH264(13)},
		"JPEG, a third":     {Codec: frame.MJPEG, Data: oddJPEG(t)},
		"a codec of no use": {Codec: 100, Data: []byte{0}},
	} {
		u.Key, u.Time = true, frametest.Epoch
		d := new(ffmpeg.Decoder)
		for _, d := range []capture.Decoder{d, d.Isolated()} {
			for p, err := range d.Decode(t.Context(), frame.GOP{u}, time.Time{}) {
				if p != nil || !errors.Is(err, frame.ErrUnsupported) || errors.Is(err, ffmpeg.ErrNoPicture) {
					t.Errorf("%s, %T: %v, %v", about, d, p != nil, err)
				}
			}
		}
	}
	damaged := frame.AccessUnit{Codec: frame.H264, Key: true, Time: frametest.Epoch, Data: deepH264(10)}
	for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), frame.GOP{damaged}, time.Time{}) {
		if p == nil && errors.Is(err, frame.ErrUnsupported) {
			t.Errorf("H.264, 10 bits: %v", err)
		}
	}
}
