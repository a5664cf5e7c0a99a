package enhance

import "testing"

// WithEveryKernel runs a test with the kernels in assembly, if there are any for this processor, and with those in Go.
func WithEveryKernel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	best := kernels
	t.Run("fastest", test)
	t.Run("portable", func(t *testing.T) {
		t.Helper()
		kernels = portable
		defer func() { kernels = best }()
		test(t)
	})
}
