package runnerhttp

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Case is why there is no response.
type Case uint8

// Why there is no response.
const (
	Denied   Case = iota // the host is not granted, or its address is not public
	Invalid              // the request itself is wrong: its method, URL, header fields or size
	DNS                  // the name could not be resolved
	Connect              // no connection: it was refused or reset, or the host is unreachable
	TLS                  // the handshake failed, or the certificate is not trusted
	TimedOut             // no full response arrived in time; the other side may have acted
	TooLarge             // the response is larger than the limits allow
	Protocol             // the other side violated HTTP, or closed the connection before the end
)

var cases = [...]string{
	"the request was denied", "the request is wrong", "no address", "no connection", "no trust",
	"no answer in time", "the answer is too large", "a broken answer",
}

// Error is why there is no response. When a handler returns it, Denied, Invalid and
// TooLarge reject the job; the others retry it.
type Error struct {
	Case   Case
	Reason string
}

// Error is the case and the reason.
func (e *Error) Error() string {
	if int(e.Case) >= len(cases) {
		return e.Reason
	}
	return cases[e.Case] + ": " + e.Reason
}

// Timeout makes url.Error.Timeout true where it should be.
func (e *Error) Timeout() bool { return e.Case == TimedOut }

// Temporary is whether a retry may help.
func (e *Error) Temporary() bool {
	kind, _ := e.Verdict()
	return kind == host.Retry
}

// Verdict is what the error does to the job, when the handler returns it.
func (e *Error) Verdict() (host.Kind, time.Duration) {
	switch e.Case {
	case Denied, Invalid, TooLarge:
		return host.Reject, 0
	}
	return host.Retry, 0
}

// StatusError is a response whose status is 400 or more.
type StatusError struct {
	Status     int
	Host       string        // who answered
	Content    string        // the first 300 characters of the content
	RetryAfter time.Duration // what the header says, if HasRetryAfter
	// HasRetryAfter is whether the response has a readable Retry-After.
	HasRetryAfter bool
}

// Error is who answered what.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d: %s", e.Host, e.Status, e.Content)
}

// Verdict is what the error does to the job, when the handler returns it.
func (e *StatusError) Verdict() (host.Kind, time.Duration) {
	switch {
	case e.HasRetryAfter && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable):
		return host.RetryAfter, e.RetryAfter
	// RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4.
	case e.Status == http.StatusRequestTimeout, e.Status == http.StatusTooEarly,
		e.Status == http.StatusTooManyRequests, e.Status >= 500:
		return host.Retry, 0
	}
	return host.Reject, 0
}

// CheckStatus returns a [*StatusError] if the status of a response is 400 or more. It
// reads the beginning of the content then, and closes it.
//
// When a handler returns the error, 429 and 503 with Retry-After are retried after that
// time; 408, 425, 429 and 500 or more with the job's backoff; all others are rejected.
func CheckStatus(response *http.Response) error {
	if response.StatusCode < 400 {
		return nil
	}
	defer response.Body.Close()
	const quoted = 300 // characters: enough for the message of any API
	text, _ := io.ReadAll(io.LimitReader(response.Body, quoted*4))
	content := []rune(strings.TrimSpace(strings.ToValidUTF8(string(text), "\uFFFD")))
	if len(content) == 0 {
		content = []rune("no content")
	}
	found := &StatusError{Status: response.StatusCode, Content: string(content[:min(len(content), quoted)])}
	if response.Request != nil && response.Request.URL != nil {
		found.Host = response.Request.URL.Host
	}
	found.RetryAfter, found.HasRetryAfter = retryAfter(response.Header.Get("Retry-After"))
	return found
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(value string) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date)), true
	}
	return 0, false
}
