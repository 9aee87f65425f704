package main

import (
	"context"
	"os"
	"time"

	"runner.dev/sdk"
)

var _ = has(map[string]runner.Handler{
	"update":      update,
	"step":        step,
	"retry":       func(context.Context, *runner.Job) (any, error) { return nil, runner.Retry("the other side is down") },
	"retry-once":  first(func(time.Duration) error { return runner.Retry("the other side is down") }),
	"retry-after": first(func(delay time.Duration) error { return runner.RetryAfter(delay, "slow down") }),
	"reject":      func(context.Context, *runner.Job) (any, error) { return nil, runner.Reject("no such user") },
	"snooze":      young(func(delay time.Duration) error { return runner.Snooze(delay, "quiet hours") }),
	"rate-limit":  young(func(delay time.Duration) error { return runner.RateLimit(delay, "429") }),
	"throw":       func(context.Context, *runner.Job) (any, error) { return nil, fall("the sky is falling") },
	"assert":      asserts,
	"exit":        runner.Typed(exit),
	"recurse":     func(context.Context, *runner.Job) (any, error) { return recurse(1), nil },
	"allocate":    runner.Typed(allocate),
	"spin":        spin,
	"sleep":       runner.Typed(sleep),
})

type delay struct {
	MS int64 `json:"ms"`
}

func (d delay) duration() time.Duration { return time.Duration(d.MS) * time.Millisecond }

// first fails the first attempt.
func first(fail func(time.Duration) error) runner.Handler {
	return func(_ context.Context, job *runner.Job) (any, error) {
		var data delay
		if err := job.Decode(&data); err != nil {
			return nil, err
		}
		if job.Attempt == 1 {
			return nil, fail(data.duration())
		}
		return object{"attempt": job.Attempt}, nil
	}
}

// young fails a job that has been added within the delay.
func young(fail func(time.Duration) error) runner.Handler {
	return func(_ context.Context, job *runner.Job) (any, error) {
		var data delay
		if err := job.Decode(&data); err != nil {
			return nil, err
		}
		if job.Age() < data.duration() {
			return nil, fail(data.duration())
		}
		return object{"attempt": job.Attempt}, nil
	}
}

func update(_ context.Context, job *runner.Job) (any, error) {
	if job.Attempt > 1 {
		return job.Data, nil
	}
	if err := job.UpdateData(object{"updated": true}); err != nil {
		return nil, err
	}
	return nil, runner.Retry("updated")
}

func step(ctx context.Context, job *runner.Job) (any, error) {
	once, err := runner.Step(ctx, "once", func(context.Context) (int, error) { return job.Attempt, nil })
	if err == nil && job.Attempt == 1 {
		err = runner.Retry("stepped")
	}
	return object{"step": once, "attempt": job.Attempt}, err
}

//go:noinline
func fall(why string) error { panic(why) }

// Go has no assertions; who wants one panics.
func asserts(context.Context, *runner.Job) (any, error) {
	if one := 1; one != 2 {
		panic("two is not one")
	}
	return nil, nil
}

func exit(_ context.Context, data struct {
	Code int `json:"code"`
}) (any, error) {
	os.Exit(data.Code)
	return nil, nil
}

func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + recurse(n+1)
}

func allocate(_ context.Context, data struct {
	MiB int `json:"mib"`
}) (object, error) {
	memory := make([]byte, data.MiB<<20)
	for i := range memory {
		memory[i] = byte(i)
	}
	return object{"mib": len(memory) >> 20}, nil
}

func spin(context.Context, *runner.Job) (any, error) {
	for n := uint(0); ; n++ {
		if n == 0 {
			opened = time.Time{}
		}
	}
}

func sleep(_ context.Context, data delay) (object, error) {
	before := time.Now()
	time.Sleep(data.duration())
	return object{"slept": time.Since(before).Milliseconds()}, nil
}
