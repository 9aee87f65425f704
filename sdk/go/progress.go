package runner

import (
	"runner.dev/sdk/internal/host"
)

// Progress says how many percent are done, from 0 to 100. At most four updates a second
// reach Redis, and the last before the attempt ends always does: report as often as you
// like.
func Progress(percent float64) { host.Get().Progress(percent, nil) }

// ProgressMessage says how many percent are done, and a word about it: "page 2 of 5".
func ProgressMessage(percent float64, message string) { host.Get().Progress(percent, &message) }

// ProgressValue says how far the job is with any value of at most 64 KiB as JSON, as
// BullMQ's job.updateProgress takes it. It fails when v cannot be written as JSON.
func ProgressValue(v any) error {
	text, err := encode(v)
	if err != nil {
		return Reject("the progress cannot be written as JSON: %w", err)
	}
	host.Get().ProgressJSON(text)
	return nil
}
