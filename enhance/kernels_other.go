//go:build !amd64

package enhance

func fastest() kernelSet { return portable }
