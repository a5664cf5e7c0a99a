//go:build !amd64

package scale

var fastest = inGo
