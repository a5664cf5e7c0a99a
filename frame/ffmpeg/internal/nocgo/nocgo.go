//go:build !cgo

package nocgo

var _ = frame_ffmpeg_needs_cgo__set_CGO_ENABLED_to_1_and_install_gcc_and_the_development_files_of_FFmpeg
