//go:build wasip1

package wasm

import (
	"unsafe"

	"runner.dev/sdk/internal/host"
)

// Serve works on one job. The SDK's root sets it before the first.
var Serve func(host.Job) host.Outcome

// What `handle` returns is a `result<option<json>, failure>`. Its error has a `u64` in
// one of its cases, which aligns what each case holds.

type completed struct {
	failed uint64
	some   uint8
	result text
}

type plain struct {
	failed uint64
	which  uint64
	reason text
}

type delayed struct {
	failed uint64
	which  uint64
	delay  uint64
	reason text
}

var kinds = map[host.Kind]struct {
	which   uint64
	delayed bool
}{
	host.Retry:        {0, false},
	host.RetryAfter:   {1, true},
	host.Reject:       {2, false},
	host.Snooze:       {3, true},
	host.WaitChildren: {4, false},
	host.RateLimit:    {5, true},
}

// last is what the host reads after the export has returned.
var last struct {
	bytes [8]uint64
	text  string
}

//go:wasmexport runner:plugin/handler@0.1.0#handle
func handle(arguments unsafe.Pointer) unsafe.Pointer {
	lifted := liftJob((*job)(arguments))
	returned.reset()
	ended := Serve(lifted)
	last.bytes = [8]uint64{}
	at := unsafe.Pointer(&last.bytes)
	switch kind := kinds[ended.Kind]; {
	case ended.Kind == "" && ended.Result == "":
	case ended.Kind == "":
		out := (*completed)(at)
		out.some, out.result = 1, remain(ended.Result)
	case kind.delayed:
		out := (*delayed)(at)
		out.failed, out.which = 1, kind.which
		out.delay, out.reason = uint64(max(0, ended.Delay.Milliseconds())), remain(ended.Reason)
	default:
		out := (*plain)(at)
		out.failed, out.which, out.reason = 1, kind.which, remain(ended.Reason)
	}
	return at
}

func remain(s string) text {
	last.text = s
	if s == "" {
		return text{}
	}
	return text{uint32(uintptr(unsafe.Pointer(unsafe.StringData(s)))), uint32(len(s))}
}
