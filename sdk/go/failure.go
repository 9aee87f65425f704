package runner

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Kind is what a failure does to the job.
type Kind = host.Kind

// The kinds of failures; the functions of the same names make them.
const (
	KindRetry        = host.Retry
	KindRetryAfter   = host.RetryAfter
	KindReject       = host.Reject
	KindSnooze       = host.Snooze
	KindWaitChildren = host.WaitChildren
	KindRateLimit    = host.RateLimit
)

// Failure is an error that says what happens to the job. It may be wrapped: the first
// one among the causes of an error decides, and the reason is the text of the whole
// error. errors.As finds it.
type Failure struct {
	Kind  Kind
	Delay time.Duration // for RetryAfter, Snooze and RateLimit
	cause error
}

// Error is the reason, without what follows from it.
func (f *Failure) Error() string { return f.cause.Error() }

// Unwrap returns what the reason was made of.
func (f *Failure) Unwrap() error { return f.cause }

// Is makes failures equal that do the same for the same reason.
func (f *Failure) Is(target error) bool {
	other, ok := target.(*Failure)
	return ok && f.Kind == other.Kind && f.Delay == other.Delay && f.Error() == other.Error()
}

// ErrWaitChildren ends the attempt until all children of the job are done, including
// those just added with [AddChildren]. Then the handler is called again, without
// spending an attempt. A job that never had a child fails. It equals BullMQ's
// WaitingChildrenError.
var ErrWaitChildren error = &Failure{Kind: KindWaitChildren, cause: errors.New("the children are not done")}

// Retry is a passing trouble: it spends an attempt and waits for the job's own backoff.
// When no attempt is left, the job fails with this reason. The reason is written as by
// fmt.Errorf, and %w keeps a cause. Every error that is no [Failure] counts as this.
func Retry(format string, arguments ...any) error {
	return &Failure{Kind: KindRetry, cause: fmt.Errorf(format, arguments...)}
}

// RetryAfter is like [Retry], after a delay chosen here (in whole milliseconds): for 429
// Too Many Requests with Retry-After.
func RetryAfter(delay time.Duration, format string, arguments ...any) error {
	return &Failure{KindRetryAfter, delay, fmt.Errorf(format, arguments...)}
}

// Reject is a permanent failure: the job fails at once, even if attempts are left. It
// equals BullMQ's UnrecoverableError.
func Reject(format string, arguments ...any) error {
	return &Failure{Kind: KindReject, cause: fmt.Errorf(format, arguments...)}
}

// Snooze is not now: the job waits this long (in whole milliseconds), without spending
// an attempt. Use it for quiet hours and for resources that are not ready yet.
func Snooze(delay time.Duration, format string, arguments ...any) error {
	return &Failure{KindSnooze, delay, fmt.Errorf(format, arguments...)}
}

// RateLimit is slow down: for this long (in whole milliseconds), no worker starts a job
// of this queue. The job goes back to the front without spending an attempt. It equals
// BullMQ's worker.rateLimit with RateLimitError.
func RateLimit(delay time.Duration, format string, arguments ...any) error {
	return &Failure{KindRateLimit, delay, fmt.Errorf(format, arguments...)}
}

// judged is an error of the SDK that knows what it does to the job, such as that of an
// HTTP request.
type judged interface {
	error
	Verdict() (Kind, time.Duration)
}

// outcomeOf is the end of an attempt with an error.
func outcomeOf(err error) host.Outcome {
	ended := host.Outcome{Kind: KindRetry, Reason: reasonOf(err)}
	var failure *Failure
	var verdict judged
	switch {
	case errors.As(err, &failure):
		ended.Kind, ended.Delay = failure.Kind, failure.Delay
	case errors.As(err, &verdict):
		ended.Kind, ended.Delay = verdict.Verdict()
	}
	return ended
}

// reasonOf is an error followed by those of its causes that its text leaves out.
func reasonOf(err error) string {
	reason := err.Error()
	for cause := errors.Unwrap(err); cause != nil; cause = errors.Unwrap(cause) {
		if text := cause.Error(); !strings.Contains(reason, text) {
			reason += ": " + text
		}
	}
	return reason
}
