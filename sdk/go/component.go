//go:build wasip1

package runner

import (
	"log/slog"
	"runtime/debug"
	_ "unsafe" // for linkname

	"runner.dev/sdk/internal/host"
	"runner.dev/sdk/internal/wasm"
)

// A component is a library: Go does not call its main function. The first job does.
//
//go:linkname mainMain main.main
func mainMain()

func init() {
	host.Set(wasm.Host{})
	// Go's own limit of 250 MB is beyond what a job may have: an endless recursion would
	// run out of memory instead of stack. Threads of Linux have as much.
	debug.SetMaxStack(8 << 20)
	slog.SetDefault(slog.New(&LogHandler{}))
	started := false
	wasm.Serve = func(job host.Job) host.Outcome {
		if !started {
			mainMain()
			started = true
		}
		return serve(job)
	}
}

func announce() {}
