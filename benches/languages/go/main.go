// The handler of the benches: nothing, or a job's payload made into another shape.
package main

import (
	"context"
	"strings"

	"runner.dev/sdk"
)

type order struct {
	Customer struct{ Name string }
	Items    []struct {
		SKU      string
		Category string
		Quantity int
		Cents    int
	}
}

type line struct {
	SKU   string `json:"sku"`
	Cents int    `json:"cents"`
}

type invoice struct {
	Customer string         `json:"customer"`
	Items    []line         `json:"items"`
	Totals   map[string]int `json:"totals"`
}

func handle(_ context.Context, job *runner.Job) (any, error) {
	if job.Name != "transform" {
		return nil, nil
	}
	var order order
	if err := job.Decode(&order); err != nil {
		return nil, err
	}
	invoice := invoice{
		Customer: strings.ToUpper(order.Customer.Name),
		Totals:   map[string]int{},
	}
	for _, item := range order.Items {
		cents := item.Quantity * item.Cents
		invoice.Items = append(invoice.Items, line{item.SKU, cents})
		invoice.Totals[item.Category] += cents
	}
	return invoice, nil
}

func main() {
	runner.Handle(handle)
}
