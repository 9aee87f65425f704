package runner

import (
	"context"
	"log/slog"

	"runner.dev/sdk/internal/host"
)

// Step runs a function once over all attempts of the job. What it returned is stored
// with the job; when an earlier attempt finished the step, that is returned and the
// function is not called. A job has at most 64 steps, with names of 1 to 64 characters
// and results of 64 KiB.
//
//	id, err := runner.Step(ctx, "email", sendEmail)
//
// A step that took effect just before a crash may be repeated: it runs at least once,
// so give the other side an idempotency key where it takes one.
//
// The error is that of the function; or a [Reject], when the step has recorded something
// that does not fit T, because repeating it could do harm.
func Step[T any](ctx context.Context, name string, run func(ctx context.Context) (T, error)) (T, error) {
	var result T
	if err := ctx.Err(); err != nil {
		return result, err
	}
	if text, done := host.Get().Checkpoint(name); done {
		if err := decode([]byte(text), &result); err != nil {
			return result, Reject("the step %q has recorded something else%w", name, err)
		}
		return result, nil
	}
	result, err := run(ctx)
	if err != nil {
		return result, err
	}
	text, err := encode(result)
	if err != nil {
		return result, Reject("the result of step %q cannot be written as JSON: %w", name, err)
	}
	// The effect has happened. To fail now would repeat it for certain.
	if err := host.Get().PutCheckpoint(name, text); err != nil {
		slog.WarnContext(ctx, "the step may be repeated: "+err.Error(), "step", name)
	}
	return result, nil
}
