package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"runner.dev/sdk"
	"runner.dev/sdk/runnerhttp"
)

var _ = has(map[string]runner.Handler{
	"log":   logs,
	"print": prints,
	"flood": runner.Typed(flood),
	"progress": func(context.Context, *runner.Job) (any, error) {
		runner.Progress(25)
		return nil, nil
	},
	"progress-message": func(context.Context, *runner.Job) (any, error) {
		runner.ProgressMessage(40, "page 2 of 5")
		return nil, nil
	},
	"progress-json": func(context.Context, *runner.Job) (any, error) {
		return nil, runner.ProgressValue(object{"done": []int{1, 2}})
	},
	"http":         runner.Typed(request),
	"config":       config,
	"leak":         leak,
	"leak-failure": leakFailure,
})

func logs(ctx context.Context, _ *runner.Job) (any, error) {
	for _, line := range []struct {
		name  string
		level slog.Level
	}{
		{"trace", runner.LevelTrace}, {"debug", slog.LevelDebug}, {"info", slog.LevelInfo},
		{"warn", slog.LevelWarn}, {"error", slog.LevelError},
	} {
		slog.Log(ctx, line.level, "a line of "+line.name, "order", 7, "note", "two words")
	}
	return nil, nil
}

func prints(context.Context, *runner.Job) (any, error) {
	fmt.Println("one")
	fmt.Println("two")
	fmt.Fprintln(os.Stderr, "three")
	return nil, nil
}

func flood(ctx context.Context, data struct {
	Lines int `json:"lines"`
}) (any, error) {
	for i := range data.Lines {
		slog.InfoContext(ctx, fmt.Sprint("line ", i))
	}
	return nil, nil
}

type call struct {
	URL        string            `json:"url"`
	Method     string            `json:"method"`
	Headers    map[string]string `json:"headers"`
	Body       *string           `json:"body"`
	Timeout    int               `json:"timeout"`
	Redirects  int               `json:"redirects"`
	Idempotent bool              `json:"idempotent"`
}

var faults = map[runnerhttp.Case]string{
	runnerhttp.Denied: "denied", runnerhttp.Invalid: "invalid", runnerhttp.DNS: "dns",
	runnerhttp.Connect: "connect", runnerhttp.TLS: "tls", runnerhttp.TimedOut: "timeout",
	runnerhttp.TooLarge: "too-large", runnerhttp.Protocol: "protocol",
}

func request(ctx context.Context, call call) (object, error) {
	client := http.Client{
		Timeout: time.Duration(call.Timeout) * time.Millisecond,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > call.Redirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	if call.Idempotent {
		ctx = runnerhttp.WithIdempotencyKey(ctx)
	}
	var body io.Reader
	if call.Body != nil {
		body = strings.NewReader(*call.Body)
	}
	// A URL that net/http itself does not take is wrong as well.
	request, err := http.NewRequestWithContext(ctx, call.Method, call.URL, body)
	if err != nil {
		return object{"error": "invalid", "message": err.Error()}, nil
	}
	for name, value := range call.Headers {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	var fault *runnerhttp.Error
	if errors.As(err, &fault) {
		return object{"error": faults[fault.Case], "message": err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	result := object{"status": response.StatusCode, "body": string(text), "answer": nil}
	if answer := response.Header.Get("x-answer"); answer != "" {
		result["answer"] = answer
	}
	return result, nil
}

func config(context.Context, *runner.Job) (any, error) {
	sender, err := runner.RequireConfig("sender")
	if err != nil {
		return nil, err
	}
	limits, err := runner.ConfigJSON[any]("limits")
	if err != nil {
		return nil, err
	}
	token, err := runner.RequireSecret("TOKEN")
	if err != nil {
		return nil, err
	}
	_, missing := runner.Config("missing")
	_, absent := runner.Secret("ABSENT")
	if missing || absent {
		return nil, runner.Reject("what is not there was found")
	}
	return object{
		"sender": sender, "limits": limits, "missing": nil, "all": runner.ConfigAll(),
		"token": len(token), "absent": nil,
	}, nil
}

func leak(ctx context.Context, _ *runner.Job) (any, error) {
	token, err := runner.RequireSecret("TOKEN")
	slog.InfoContext(ctx, "the token is "+token)
	return object{"token": token}, err
}

func leakFailure(context.Context, *runner.Job) (any, error) {
	token, err := runner.RequireSecret("TOKEN")
	if err != nil {
		return nil, err
	}
	return nil, runner.Reject("bad token %s", token)
}
