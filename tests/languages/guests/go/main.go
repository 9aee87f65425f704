// The guest of the conformance suite in Go: it does by the name of a job what
// tests/languages/README.md says.
package main

import (
	"context"

	"runner.dev/contract"
	"runner.dev/sdk"
)

// jobs are the names, without those of the contract.
var jobs = map[string]runner.Handler{}

// has adds the names of a file to jobs.
func has(more map[string]runner.Handler) bool {
	for name, handler := range more {
		jobs[name] = handler
	}
	return true
}

func handle(ctx context.Context, job *runner.Job) (any, error) {
	handler, ok := jobs[job.Name]
	if !ok {
		return nil, runner.Reject("no job is named %s", job.Name)
	}
	return handler(ctx, job)
}

type orders struct{}

// Place adds up an order.
func (orders) Place(_ context.Context, order contract.Order) (contract.Receipt, error) {
	receipt := contract.Receipt{ID: order.ID, Channel: order.Channel, Note: order.Note}
	for _, item := range order.Items {
		receipt.Pieces += uint64(item.Quantity)
	}
	return receipt, nil
}

func main() {
	contract.Handle(orders{})
	runner.Handle(handle)
}
