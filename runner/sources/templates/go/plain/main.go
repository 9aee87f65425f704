// {{name}} greets people.
package main

import (
	"context"
	"log/slog"

	"runner.dev/sdk"
)

type person struct {
	Name string `json:"name"`
}

type greeted struct {
	Greeting string `json:"greeting"`
}

// handle is called for each job of the plugin's queues. An error is a retry;
// runner.Reject, runner.RetryAfter, runner.Snooze and others say otherwise.
func handle(ctx context.Context, job *runner.Job) (any, error) {
	var person person
	if err := job.Decode(&person); err != nil {
		return nil, err
	}
	if person.Name == "" {
		return nil, runner.Reject("data.name: is missing")
	}
	slog.InfoContext(ctx, "greeting "+person.Name, "attempt", job.Attempt)
	return greeted{"hello " + person.Name}, nil
}

func main() {
	runner.Handle(handle)
}
