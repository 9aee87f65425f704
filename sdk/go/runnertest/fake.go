package runnertest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"runner.dev/sdk"
	"runner.dev/sdk/internal/host"
)

// fake is a Host as the plugin sees it.
type fake Host

func (f *fake) lock() func() {
	f.mu.Lock()
	return f.mu.Unlock
}

func (f *fake) Job() host.Job {
	job := f.current
	if job == nil {
		job = Job("test", "{}")
	}
	return host.Job{ID: job.ID, Queue: job.Queue, Name: job.Name, Data: string(job.Data)}
}

func (f *fake) UpdateData(data string) error {
	defer f.lock()()
	f.update = append(f.update, host.Pair{Value: data})
	return nil
}

func (f *fake) ChildrenValues() ([]host.Pair, error)  { return f.values, nil }
func (f *fake) IgnoredFailures() ([]host.Pair, error) { return f.ignored, nil }
func (f *fake) FailedChildren() ([]string, error)     { return f.failed, nil }

// Dependencies counts the children that were added as not done.
func (f *fake) Dependencies() (host.Dependencies, error) {
	defer f.lock()()
	counts := host.Dependencies{
		Processed: uint64(len(f.values)), Failed: uint64(len(f.failed)), Ignored: uint64(len(f.ignored)),
	}
	for _, job := range f.added[f.disowned:] {
		if job.Child {
			counts.Unprocessed++
		}
	}
	return counts, nil
}

// RemoveUnprocessedChildren makes those added so far count no more; Added still has them.
func (f *fake) RemoveUnprocessedChildren() error {
	defer f.lock()()
	f.disowned = len(f.added)
	return nil
}

func (f *fake) TimeLeft() uint64 { return uint64(f.timeLeft / time.Millisecond) }

func (f *fake) Log(level host.Level, message string, fields []host.Pair) {
	defer f.lock()()
	levels := [...]slog.Level{runner.LevelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	line := Line{Level: levels[level], Message: message}
	for _, field := range fields {
		line.Fields = append(line.Fields, field.Name+"="+field.Value)
	}
	f.logs = append(f.logs, line)
}

func (f *fake) Progress(percent float64, message *string) {
	percent = min(max(percent, 0), 100)
	var value any = percent
	if message != nil {
		value = struct {
			Percent float64 `json:"percent"`
			Message string  `json:"message"`
		}{percent, *message}
	}
	f.ProgressJSON((*Host)(f).written(value))
}

func (f *fake) ProgressJSON(value string) {
	defer f.lock()()
	f.progress = append(f.progress, value)
}

func (f *fake) Config(key string) (string, bool)  { return find(f.settings, key) }
func (f *fake) ConfigAll() []host.Pair            { return f.settings }
func (f *fake) Secret(name string) (string, bool) { return find(f.secrets, name) }

func (f *fake) Checkpoint(step string) (string, bool) {
	defer f.lock()()
	return find(f.checkpoints, step)
}

func (f *fake) PutCheckpoint(step, value string) error {
	defer f.lock()()
	f.checkpoints = append(f.checkpoints, host.Pair{Name: step, Value: value})
	return nil
}

func (f *fake) Send(request *host.Request) (*host.Response, *host.Fault) {
	defer f.lock()()
	header := http.Header{}
	for _, field := range request.Headers {
		header.Add(field.Name, field.Value)
	}
	f.requests = append(f.requests, Request{request.Method, request.URL, header, string(request.Body), request.Idempotent})
	for _, left := range f.replies {
		if !left.used && left.method == request.Method && left.url == request.URL {
			left.used = true
			if left.reply.fault != nil {
				return nil, left.reply.fault
			}
			response := left.reply.response
			response.URL = request.URL
			return &response, nil
		}
	}
	reason := fmt.Sprintf("runnertest: no reply to %s %s", request.Method, request.URL)
	f.t.Error(reason)
	return nil, &host.Fault{Case: 0, Reason: reason}
}

func (f *fake) Add(queue string, job *host.NewJob) (string, *host.Fault) {
	ids, fault := f.AddBulk(queue, []host.NewJob{*job})
	if fault != nil {
		return "", fault
	}
	return ids[0], nil
}

func (f *fake) AddBulk(queue string, jobs []host.NewJob) ([]string, *host.Fault) {
	flow := make([]host.FlowJob, len(jobs))
	for i, job := range jobs {
		flow[i] = host.FlowJob{Queue: queue, Job: job}
	}
	return f.AddFlow(flow)
}

func (f *fake) AddFlow(jobs []host.FlowJob) ([]string, *host.Fault) { return f.add(jobs, false) }

func (f *fake) AddChildren(jobs []host.FlowJob) ([]string, *host.Fault) { return f.add(jobs, true) }

func (f *fake) add(jobs []host.FlowJob, children bool) ([]string, *host.Fault) {
	defer f.lock()()
	if f.refuse != nil {
		return nil, f.refuse
	}
	first := len(f.added)
	var ids []string
	for _, job := range jobs {
		if !json.Valid([]byte(job.Job.Data)) {
			f.t.Errorf("runnertest: the data of %q is no JSON: %s", job.Job.Name, job.Job.Data)
		}
		added := Added{
			Queue: job.Queue, Name: job.Job.Name, Data: job.Job.Data,
			Child: children && job.Parent == nil, Parent: -1, Options: optionsText(&job.Job.Options),
		}
		if job.Parent != nil {
			added.Parent = first + int(*job.Parent)
		}
		if job.OnFailure != nil {
			added.OnFailure = runner.FailParent + runner.ChildFailure(*job.OnFailure)
		}
		f.added = append(f.added, added)
		id := fmt.Sprint(len(f.added))
		if job.Job.Options.ID != nil {
			id = *job.Job.Options.ID
		}
		ids = append(ids, id)
	}
	return ids, nil
}
