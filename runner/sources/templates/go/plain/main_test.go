package main

import (
	"testing"

	"runner.dev/sdk/runnertest"
)

func TestAPersonIsGreeted(t *testing.T) {
	host := runnertest.New(t)
	result, err := host.Run(handle, runnertest.Job("hello", `{ "name": "Ada" }`))
	if err != nil || string(result) != `{"greeting":"hello Ada"}` {
		t.Errorf("%s, %v", result, err)
	}
	if line := host.Logs()[0].String(); line != "greeting Ada attempt=1" {
		t.Error(line)
	}
}
