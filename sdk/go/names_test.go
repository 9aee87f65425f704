package runner

import (
	"context"
	"testing"

	"runner.dev/sdk/internal/host"
)

func TestAJobGoesToTheHandlerOfItsName(t *testing.T) {
	defer clear(registered)
	host.Set(silent{})
	defer host.Set(nil)
	run := func(name string) host.Outcome { return serve(host.Job{Name: name}) }
	if got := run("x"); got.Reason != "main has no handler: call runner.Handle in it" || got.Kind != KindReject {
		t.Error(got)
	}
	says := func(text string) Handler {
		return func(context.Context, *Job) (any, error) { return text, nil }
	}
	HandleName("nightly-*", says("pattern"))
	HandleName("nightly-*-eu", says("longer"))
	HandleName("nightly-clean", says("name"))
	if got := run("x"); got.Reason != `no handler for jobs named "x"; there is one for nightly-*, nightly-*-eu, nightly-clean` {
		t.Error(got)
	}
	Handle(says("all"))
	for name, want := range map[string]string{
		"nightly-": "pattern", "nightly-a-eu": "longer", "nightly-clean": "name", "x": "all",
	} {
		if got := run(name); got.Result != `"`+want+`"` {
			t.Error(name, got)
		}
	}
	defer func() {
		if got := recover(); got != `runner: two handlers for "*"` {
			t.Error(got)
		}
	}()
	Handle(says("again"))
}

// silent is a host that is asked for the time only.
type silent struct{ host.Host }

func (silent) TimeLeft() uint64 { return 30_000 }

func TestFramesAreThoseOfTheHandler(t *testing.T) {
	host.Set(silent{})
	defer host.Set(nil)
	var names []string
	Run(t.Context(), func(context.Context, *Job) (any, error) {
		defer func() {
			value := recover()
			for _, frame := range framesOfPanic() {
				names = append(names, frame.Function)
			}
			panic(value)
		}()
		fall()
		return nil, nil
	}, &Job{})
	if len(names) < 2 || names[0] != "runner.dev/sdk.fall" || names[1] != "runner.dev/sdk.TestFramesAreThoseOfTheHandler.func1" {
		t.Errorf("%q", names)
	}
}

//go:noinline
func fall() {
	var list []int
	_ = list[len(registered)+3]
}
