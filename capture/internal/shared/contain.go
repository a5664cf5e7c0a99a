package shared

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// A PanicError is the error of someone else's code that panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // where, as debug.Stack tells it
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns the value, if that is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// ErrExit is the error of someone else's code that called runtime.Goexit.
var ErrExit = errors.New("a hook called runtime.Goexit")

// Contain calls someone else's code and makes an error of its panic.
func Contain(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return do()
}
