package main

import ({{test_json}}
	"errors"
	"testing"
{{test_types}}
	"runner.dev/sdk"
	"runner.dev/sdk/runnertest"
)

func TestAJobIsRefusedUntilItsFunctionIsWritten(t *testing.T) {
	runnertest.New(t)
	{{check}}
	var failure *runner.Failure
	if !errors.As(err, &failure) || failure.Kind != runner.KindReject {
		t.Error(err)
	}
}
