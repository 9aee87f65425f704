//go:build wasip1

package wasm

import (
	"unsafe"

	"runner.dev/sdk/internal/host"
)

// Host asks Runner through the imports of the component.
type Host struct{}

//go:wasmimport runner:plugin/job@0.1.0 current
func jobCurrent(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 update-data
func jobUpdateData(data string, out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 children-values
func jobChildrenValues(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 ignored-failures
func jobIgnoredFailures(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 failed-children
func jobFailedChildren(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 dependencies
func jobDependencies(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 remove-unprocessed-children
func jobRemoveUnprocessedChildren(out unsafe.Pointer)

//go:wasmimport runner:plugin/job@0.1.0 time-left
func jobTimeLeft() uint64

//go:wasmimport runner:plugin/log@0.1.0 write
func logWrite(level uint32, message string, fields, len uint32)

//go:wasmimport runner:plugin/progress@0.1.0 set
func progressSet(percent float64, some uint32, message string)

//go:wasmimport runner:plugin/progress@0.1.0 set-json
func progressSetJSON(value string)

//go:wasmimport runner:plugin/config@0.1.0 get
func configGet(key string, out unsafe.Pointer)

//go:wasmimport runner:plugin/config@0.1.0 get-all
func configGetAll(out unsafe.Pointer)

//go:wasmimport runner:plugin/config@0.1.0 secret
func configSecret(name string, out unsafe.Pointer)

//go:wasmimport runner:plugin/checkpoint@0.1.0 get
func checkpointGet(step string, out unsafe.Pointer)

//go:wasmimport runner:plugin/checkpoint@0.1.0 put
func checkpointPut(step, value string, out unsafe.Pointer)

//go:wasmimport runner:plugin/http@0.1.0 send
func httpSend(method, url string, headers, headersLen, hasBody, body, bodyLen, hasTimeout, timeout, redirects, idempotent uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/queue@0.1.0 add
func queueAdd(arguments, out unsafe.Pointer)

//go:wasmimport runner:plugin/queue@0.1.0 add-bulk
func queueAddBulk(queue string, jobs, len uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/queue@0.1.0 add-flow
func queueAddFlow(jobs, len uint32, out unsafe.Pointer)

//go:wasmimport runner:plugin/queue@0.1.0 add-children
func queueAddChildren(jobs, len uint32, out unsafe.Pointer)

var out = unsafe.Pointer(&area)

type job struct {
	id, queue, name, data text
	attempt, maxAttempts  uint32
	addedAt, startedAt    uint64
	priority              uint32
	delay                 uint64
	requestID             optionText
	parent                optionParent
}

type optionParent struct {
	some      uint8
	id, queue text
}

func liftJob(j *job) host.Job {
	lifted := host.Job{
		ID: lift(j.id), Queue: lift(j.queue), Name: lift(j.name), Data: lift(j.data),
		Attempt: j.attempt, MaxAttempts: j.maxAttempts,
		AddedAt: j.addedAt, StartedAt: j.startedAt,
		Priority: j.priority, Delay: j.delay,
	}
	if id, some := liftText(j.requestID); some {
		lifted.RequestID = &id
	}
	if j.parent.some == 1 {
		lifted.Parent = &host.Parent{ID: lift(j.parent.id), Queue: lift(j.parent.queue)}
	}
	return lifted
}

func (Host) Job() host.Job {
	defer done()
	jobCurrent(out)
	return liftJob(result[job]())
}

func (Host) UpdateData(json string) error {
	defer done()
	jobUpdateData(json, out)
	return result[resultText]().error()
}

func (Host) ChildrenValues() ([]host.Pair, error) {
	return pairs(jobChildrenValues)
}

func (Host) IgnoredFailures() ([]host.Pair, error) {
	return pairs(jobIgnoredFailures)
}

func pairs(call func(unsafe.Pointer)) ([]host.Pair, error) {
	defer done()
	call(out)
	found := result[resultText]()
	if err := found.error(); err != nil {
		return nil, err
	}
	return liftPairs(found.text), nil
}

func (Host) FailedChildren() ([]string, error) {
	defer done()
	jobFailedChildren(out)
	found := result[resultText]()
	if err := found.error(); err != nil {
		return nil, err
	}
	return liftTexts(found.text), nil
}

func (Host) Dependencies() (host.Dependencies, error) {
	defer done()
	jobDependencies(out)
	found := result[struct {
		failed uint8
		counts host.Dependencies
	}]()
	if found.failed == 1 {
		// The text is where the counts would be, in a result that is aligned like them.
		failed := result[struct {
			failed uint64
			text   text
		}]()
		return host.Dependencies{}, (&resultText{1, failed.text}).error()
	}
	return found.counts, nil
}

func (Host) RemoveUnprocessedChildren() error {
	defer done()
	jobRemoveUnprocessedChildren(out)
	return result[resultText]().error()
}

func (Host) TimeLeft() uint64 { return jobTimeLeft() }

func (Host) Log(level host.Level, message string, fields []host.Pair) {
	defer done()
	lowered := lowerPairs(fields)
	logWrite(uint32(level), message, lowered.at, lowered.len)
}

func (Host) Progress(percent float64, message *string) {
	if message == nil {
		progressSet(percent, 0, "")
	} else {
		progressSet(percent, 1, *message)
	}
}

func (Host) ProgressJSON(json string) { progressSetJSON(json) }

func (Host) Config(key string) (string, bool) {
	defer done()
	configGet(key, out)
	return liftText(*result[optionText]())
}

func (Host) ConfigAll() []host.Pair {
	defer done()
	configGetAll(out)
	return liftPairs(*result[list]())
}

func (Host) Secret(name string) (string, bool) {
	defer done()
	configSecret(name, out)
	return liftText(*result[optionText]())
}

func (Host) Checkpoint(step string) (string, bool) {
	defer done()
	checkpointGet(step, out)
	return liftText(*result[optionText]())
}

func (Host) PutCheckpoint(step, json string) error {
	defer done()
	checkpointPut(step, json, out)
	return result[resultText]().error()
}

type response struct {
	status  uint16
	headers list
	body    list
	url     text
}

func (Host) Send(r *host.Request) (*host.Response, *host.Fault) {
	defer done()
	headers, body, timeout := lowerPairs(r.Headers), lowerList(r.Body), lowerU32(r.Timeout)
	httpSend(r.Method, r.URL, headers.at, headers.len, flag(r.Body != nil), body.at, body.len,
		uint32(timeout.some), timeout.value, uint32(r.Redirects), flag(r.Idempotent), out)
	if fault := result[resultFault]().error(); fault != nil {
		return nil, fault
	}
	got := result[struct {
		failed   uint8
		response response
	}]().response
	return &host.Response{
		Status:  got.status,
		Headers: liftPairs(got.headers),
		Body:    append([]byte{}, items[byte](got.body)...),
		URL:     lift(got.url),
	}, nil
}

func flag(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}
