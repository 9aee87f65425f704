// Package runner is for writing handlers of BullMQ jobs that run in Runner.
//
// A plugin is a program whose main function says which function works on its jobs:
//
//	package main
//
//	import (
//		"context"
//		"log/slog"
//
//		"runner.dev/sdk"
//	)
//
//	type Greeting struct {
//		Name string `json:"name"`
//	}
//
//	func greet(ctx context.Context, g Greeting) (string, error) {
//		slog.InfoContext(ctx, "greeting", "name", g.Name)
//		return "hello, " + g.Name, nil
//	}
//
//	func main() {
//		runner.Handle(runner.Typed(greet))
//	}
//
// What the handler returns is stored as JSON, as the job's return value; a
// json.RawMessage as it is. An error fails
// the attempt: [Retry], [RetryAfter], [Reject], [Snooze], [ErrWaitChildren] and
// [RateLimit] say what happens to the job, any other error is a retry with its text.
//
// Lines of log/slog and log go to the job's log. net/http works as everywhere, within
// the hosts that are granted to the plugin. Unit tests run on the machine you sit at,
// with plain go test: see package runnertest.
package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Handler works on one job. What it returns is written as JSON; nil is null, and a
// json.RawMessage is taken as it is. The context has the deadline of the attempt, and the job for [FromContext].
//
// Jobs run at least once. An attempt can be cut off at any point (by a timeout, a
// cancellation, a crash of the machine) and repeated, so make its effects idempotent:
// see [Job.IdempotencyKey] and [Step].
type Handler = func(ctx context.Context, job *Job) (any, error)

// registered are the handlers by the name or pattern of their jobs.
var registered = map[string]Handler{}

// Handle makes a function the handler of the jobs whose name has none of its own. Call
// it in main; it returns at once.
//
// It panics when it is called twice, or with nil.
func Handle(handler Handler) { register("*", handler) }

// HandleName makes a function the handler of the jobs of one name, or of the names that
// a pattern fits: in "nightly-*" the star stands for any characters. A whole name goes
// before a pattern, and a longer pattern before a shorter one.
//
// It panics when it is called twice for one name, or with nil.
func HandleName(name string, handler Handler) { register(name, handler) }

//go:noinline // so that runner build finds it
func register(name string, handler Handler) {
	if handler == nil {
		panic(fmt.Sprintf("runner: the handler of %q is nil", name))
	}
	if _, twice := registered[name]; twice {
		panic(fmt.Sprintf("runner: two handlers for %q", name))
	}
	registered[name] = handler
	announce()
}

// handlerOf finds who works on jobs of a name.
func handlerOf(name string) (Handler, error) {
	if handler, ok := registered[name]; ok {
		return handler, nil
	}
	if len(registered) == 0 {
		return nil, Reject("main has no handler: call runner.Handle in it")
	}
	best := ""
	for pattern := range registered {
		if fits(pattern, name) && len(pattern) > len(best) {
			best = pattern
		}
	}
	if best == "" {
		names := slices.Sorted(maps.Keys(registered))
		return nil, Reject("no handler for jobs named %q; there is one for %s", name, strings.Join(names, ", "))
	}
	return registered[best], nil
}

// fits tells whether a name fits a pattern whose stars stand for any characters.
func fits(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	for name = name[len(head):]; ; name = name[1:] {
		if fits(rest, name) {
			return true
		}
		if name == "" {
			return false
		}
	}
}

// Typed makes a [Handler] of a function that takes the payload as a Go type, such as a
// struct that "runner contract go" has generated. A payload that does not fit is
// rejected as [Job.Decode] does it. The job itself is in the context.
func Typed[P, R any](handle func(ctx context.Context, payload P) (R, error)) Handler {
	return func(ctx context.Context, job *Job) (any, error) {
		var payload P
		if err := job.Decode(&payload); err != nil {
			return nil, err
		}
		return handle(ctx, payload)
	}
}

// jobKey is the key of the job in a context.
type jobKey struct{}

// NewContext returns a context with a job, for [FromContext]. Handlers are called with
// one.
func NewContext(ctx context.Context, job *Job) context.Context {
	return context.WithValue(ctx, jobKey{}, job)
}

// FromContext returns the job that is being worked on, or nil if the context is not
// one of a handler.
func FromContext(ctx context.Context) *Job {
	job, _ := ctx.Value(jobKey{}).(*Job)
	return job
}

// serve works on one job with the handler of its name.
func serve(from host.Job) host.Outcome {
	job := newJob(from)
	handler, err := handlerOf(job.Name)
	if err != nil {
		return outcomeOf(err)
	}
	return Run(context.Background(), handler, job)
}

// Run works on a job as Runner does: it gives the handler its context, recovers a panic
// and writes the result as JSON. It is for package runnertest.
func Run(ctx context.Context, handler Handler, job *Job) (ended host.Outcome) {
	ctx, cancel := context.WithTimeout(NewContext(ctx, job), job.TimeLeft())
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			ended = panicked(value)
		}
	}()
	result, err := handler(ctx, job)
	if err != nil {
		return outcomeOf(err)
	}
	if result == nil {
		return host.Outcome{}
	}
	text, err := encode(result)
	if err != nil {
		return outcomeOf(Reject("the result cannot be written as JSON: %w", err))
	}
	return host.Outcome{Result: text}
}

// millis is a duration of the host, which may be longer than Go's longest.
func millis(n uint64) time.Duration {
	const most = uint64(1<<63-1) / uint64(time.Millisecond)
	return time.Duration(min(n, most)) * time.Millisecond
}
