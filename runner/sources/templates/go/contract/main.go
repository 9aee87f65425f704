// {{name}} takes the jobs of {{contract}}.
package main

import (
	"context"{{json}}

	"runner.dev/contract"
	"runner.dev/sdk"
)

// plugin has a function for each kind of job; runner.FromContext(ctx) has the job's id
// and attempt.
type plugin struct{}

{{functions}}
func main() {
	contract.Handle(plugin{})
}
