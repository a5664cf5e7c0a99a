package frame

import "context"

// Work runs do, which keeps a processor busy. If ctx is one that a Camera has
// given to an Enhancer, a Finisher, an Encoder or a Sealer, do runs while a
// Place of the Decoder is taken, so that streams come in meanwhile and each has
// its share. Else it just runs. The context of do is ctx, without a Place to be
// had: who works already may call what calls Work.
//
// A hook that waits, for a program or a network, has no Place unless it asks
// for one here.
func Work(ctx context.Context, do func(ctx context.Context) error) error {
	run, _ := ctx.Value(workKey{}).(func(context.Context, func() error) error)
	if run == nil {
		return do(ctx)
	}
	return run(ctx, func() error { return do(WithWork(ctx, nil)) })
}

// WithWork returns a context in which Work has run run what it is to do; nil
// just runs it. It is for those who give contexts to hooks.
func WithWork(ctx context.Context, run func(ctx context.Context, do func() error) error) context.Context {
	return context.WithValue(ctx, workKey{}, run)
}

type workKey struct{}
