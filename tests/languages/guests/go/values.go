package main

import (
	"context"
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"runner.dev/sdk"
)

var _ = has(map[string]runner.Handler{
	"raw":     func(_ context.Context, job *runner.Job) (any, error) { return job.Data, nil },
	"echo":    runner.Typed(func(_ context.Context, value any) (any, error) { return value, nil }),
	"nothing": func(context.Context, *runner.Job) (any, error) { return nil, nil },
	"numbers": runner.Typed(numbers),
	"text":    runner.Typed(text),
	"length":  runner.Typed(length),
	"make":    runner.Typed(blob),
	"deep":    runner.Typed(deep),
	"invalid": func(context.Context, *runner.Job) (any, error) { return json.RawMessage("{oops"), nil },
	"job":     fields,
	"version": func(context.Context, *runner.Job) (any, error) { return object{"version": "one"}, nil },
})

type object = map[string]any

func numbers(_ context.Context, data struct {
	Values []*big.Int `json:"values"`
}) (object, error) {
	texts := []string{}
	for _, value := range data.Values {
		texts = append(texts, value.String())
	}
	return object{"values": data.Values, "texts": texts}, nil
}

func text(_ context.Context, data struct {
	Text string `json:"text"`
}) (object, error) {
	return object{"text": data.Text, "bytes": len(data.Text)}, nil
}

func length(_ context.Context, data struct {
	Blob string `json:"blob"`
}) (object, error) {
	return object{"length": len(data.Blob)}, nil
}

func blob(_ context.Context, data struct {
	Bytes int `json:"bytes"`
}) (object, error) {
	return object{"blob": strings.Repeat("x", data.Bytes)}, nil
}

func deep(_ context.Context, data struct {
	Levels int `json:"levels"`
}) (json.RawMessage, error) {
	return json.RawMessage(strings.Repeat("[", data.Levels) + strings.Repeat("]", data.Levels)), nil
}

func fields(_ context.Context, job *runner.Job) (any, error) {
	all := object{
		"id": job.ID, "queue": job.Queue, "name": job.Name,
		"attempt": job.Attempt, "maxAttempts": job.MaxAttempts,
		"addedAt": job.AddedAt.UnixMilli(), "startedAt": job.StartedAt.UnixMilli(),
		"priority": job.Priority, "delay": job.Delay.Milliseconds(),
		"requestId": nil, "parent": nil, "timeLeft": job.TimeLeft().Milliseconds(),
	}
	if job.RequestID != "" {
		all["requestId"] = job.RequestID
	}
	if job.Parent != nil {
		all["parent"] = object{"id": job.Parent.ID, "queue": job.Parent.Queue}
	}
	return all, nil
}

var opened = time.Now()
