package runner

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"runner.dev/sdk/internal/host"
)

// panicked is the end of an attempt whose handler panicked: a retry. The frames go to
// stderr as Go's runtime writes them, where Runner reads them for the job's stacktrace.
func panicked(value any) host.Outcome {
	reason := "panic: " + printed(value)
	first, _, _ := strings.Cut(reason, "\n")
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\ngoroutine 1 [running]:\n", first)
	for _, frame := range framesOfPanic() {
		fmt.Fprintf(&out, "%s(...)\n\t%s:%d\n", frame.Function, frame.File, frame.Line)
	}
	os.Stderr.WriteString(out.String())
	return host.Outcome{Kind: KindRetry, Reason: reason}
}

func printed(value any) string {
	if err, ok := value.(error); ok {
		return reasonOf(err)
	}
	return fmt.Sprint(value)
}

// framesOfPanic are the calls between the panic and Run, innermost first.
func framesOfPanic() (found []runtime.Frame) {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runner.dev/sdk.Run":
			return found
		case strings.HasPrefix(frame.Function, "runner.dev/sdk.Typed["):
		case strings.HasPrefix(frame.Function, "runtime."):
			// The panic itself, and what of the runtime found the fault.
			panicking = panicking || frame.Function == "runtime.gopanic"
		case panicking:
			found = append(found, frame)
		}
		if !more {
			return found
		}
	}
}
