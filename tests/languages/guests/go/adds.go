package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"runner.dev/sdk"
)

var _ = has(map[string]runner.Handler{
	"add":             runner.Typed(add),
	"add-bulk":        runner.Typed(addBulk),
	"add-flow":        runner.Typed(addFlow),
	"children":        children,
	"children-fail":   childrenFail,
	"childless":       func(context.Context, *runner.Job) (any, error) { return nil, runner.ErrWaitChildren },
	"remove-children": removeChildren,
})

var refusals = map[runner.QueueFault]string{
	runner.UnknownQueue: "unknown-queue", runner.InvalidJob: "invalid",
	runner.LimitReached: "limit", runner.LockLost: "lost", runner.Unavailable: "unavailable",
}

// told is the result, or why there is none.
func told(result object, err error) (object, error) {
	var fault *runner.QueueError
	if errors.As(err, &fault) {
		return object{"error": refusals[fault.Case], "message": err.Error()}, nil
	}
	return result, err
}

func add(ctx context.Context, data struct {
	Queue    string          `json:"queue"`
	Name     string          `json:"name"`
	Data     json.RawMessage `json:"data"`
	ID       string          `json:"id"`
	Delay    int             `json:"delay"`
	Priority uint32          `json:"priority"`
	Attempts uint32          `json:"attempts"`
}) (object, error) {
	id, err := runner.Add(ctx, data.Queue, runner.NewJob{
		Name: data.Name, Data: data.Data, ID: data.ID, Priority: data.Priority,
		Delay: time.Duration(data.Delay) * time.Millisecond, Attempts: data.Attempts,
	})
	return told(object{"id": id}, err)
}

func addBulk(ctx context.Context, data struct {
	Queue string `json:"queue"`
	Count int    `json:"count"`
}) (object, error) {
	var bulk []runner.NewJob
	for n := range data.Count {
		bulk = append(bulk, runner.NewJob{Name: "bulk", Data: object{"n": n}})
	}
	ids, err := runner.AddBulk(ctx, data.Queue, bulk)
	return told(object{"ids": ids}, err)
}

func leaf(queue, name string, data any, onFailure runner.ChildFailure) runner.FlowJob {
	return runner.FlowJob{Queue: queue, Job: runner.NewJob{Name: name, Data: data}, OnFailure: onFailure}
}

func addFlow(ctx context.Context, data struct {
	Queue string `json:"queue"`
}) (object, error) {
	root := leaf(data.Queue, "root", object{}, runner.KeepWaiting)
	root.Children = []runner.FlowJob{
		leaf(data.Queue, "leaf", object{"n": 1}, runner.KeepWaiting),
		leaf(data.Queue, "leaf", object{"n": 2}, runner.IgnoreFailure),
	}
	ids, err := runner.AddFlow(ctx, root)
	if err != nil {
		return told(nil, err)
	}
	return object{"id": ids[0]}, nil
}

func children(ctx context.Context, job *runner.Job) (any, error) {
	return waited(ctx, job,
		leaf("work", "echo", object{"n": 1}, runner.KeepWaiting),
		leaf("work", "echo", object{"n": 2}, runner.KeepWaiting),
		leaf("work", "reject", object{}, runner.IgnoreFailure))
}

func childrenFail(ctx context.Context, job *runner.Job) (any, error) {
	return waited(ctx, job, leaf("work", "reject", object{}, runner.FailParent))
}

func waited(ctx context.Context, job *runner.Job, all ...runner.FlowJob) (any, error) {
	counts, err := job.Dependencies()
	if err != nil {
		return nil, err
	}
	if counts == (runner.Dependencies{}) {
		if _, err := runner.AddChildren(ctx, all...); err != nil {
			return nil, err
		}
		return nil, runner.ErrWaitChildren
	}
	results, err := runner.ChildrenValues[any](job)
	if err != nil {
		return nil, err
	}
	ignored, err := job.IgnoredFailures()
	if err != nil {
		return nil, err
	}
	failed, err := job.FailedChildren()
	if err != nil {
		return nil, err
	}
	values, reasons := []any{}, []string{}
	for _, value := range results {
		values = append(values, value)
	}
	for _, reason := range ignored {
		reasons = append(reasons, reason)
	}
	return object{
		"values": values, "ignored": reasons, "failed": append([]string{}, failed...),
		"counts":  []uint64{counts.Processed, counts.Unprocessed, counts.Failed, counts.Ignored},
		"attempt": job.Attempt,
	}, nil
}

func removeChildren(ctx context.Context, job *runner.Job) (any, error) {
	if _, err := runner.AddChildren(ctx, leaf("other", "late", object{}, runner.KeepWaiting)); err != nil {
		return nil, err
	}
	before, err := job.Dependencies()
	if err != nil {
		return nil, err
	}
	if err := job.RemoveUnprocessedChildren(); err != nil {
		return nil, err
	}
	after, err := job.Dependencies()
	return object{"before": before.Unprocessed, "after": after.Unprocessed}, err
}
