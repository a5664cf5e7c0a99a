package fakeclock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
)

func TestPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if fakeclock.Pass(time.Hour); time.Since(began) != time.Hour {
			t.Errorf("%v passed", time.Since(began))
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("real time passes")
		}
	}()
	fakeclock.Pass(0)
	fakeclock.Pass(time.Nanosecond)
}
