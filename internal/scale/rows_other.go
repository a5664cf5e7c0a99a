//go:build !amd64

package scale

var fastest = kernels{across, down}
