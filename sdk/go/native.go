//go:build !wasip1

package runner

import (
	"fmt"
	"os"
	"testing"
)

// announce says how the program is run, when somebody runs it without Runner.
func announce() {
	if !testing.Testing() {
		fmt.Fprintln(os.Stderr, "This program is a plugin of Runner: `runner build` makes its component.")
	}
}
