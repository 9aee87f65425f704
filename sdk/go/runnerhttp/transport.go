// Package runnerhttp sends the requests of net/http through Runner, to the hosts that
// are granted to the plugin:
//
//	[plugins.weather]
//	http = ["https://api.example.com"]
//
// In a component, http.DefaultTransport is a [Transport]: http.Get, http.Client and the
// libraries that use them work without this package. It has what they do not:
// [CheckStatus] and [WithIdempotencyKey].
package runnerhttp

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"runner.dev/sdk/internal/host"
)

// Transport is an http.RoundTripper over Runner's HTTP. Its zero value is ready.
//
// Runner resolves names, connects (also over TLS) and pools connections, for all jobs
// together. A response is read to its end before RoundTrip returns, and content of gzip
// is unpacked, as by http.Transport. A message may have a body of 10 MiB. A request may
// take 30 seconds, or what is left of the context's deadline or of the job's timeout if
// that is less. Requests of several goroutines are sent one after the other.
type Transport struct {
	// DisableCompression asks for no gzip on its own, and unpacks none.
	DisableCompression bool
}

// RoundTrip sends a request and reads its response. It follows no redirect; http.Client
// does. The error is an [*Error].
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := bodyOf(request)
	if err != nil {
		return nil, err
	}
	timeout, err := timeLeft(request.Context())
	if err != nil {
		return nil, err
	}
	if request.Host != "" && request.Host != request.URL.Host {
		return nil, &Error{Invalid, fmt.Sprintf("Host %q is not that of the URL, %q", request.Host, request.URL.Host)}
	}
	url := *request.URL
	url.Fragment, url.RawFragment = "", ""
	url.User = nil
	headers := headersOf(request)
	unpack := !t.DisableCompression && request.Method != http.MethodHead &&
		request.Header.Get("Accept-Encoding") == "" && request.Header.Get("Range") == ""
	if unpack {
		headers = append(headers, host.Pair{Name: "Accept-Encoding", Value: "gzip"})
	}
	method := request.Method
	if method == "" {
		method = http.MethodGet
	}
	got, fault := host.Get().Send(&host.Request{
		Method: method, URL: url.String(), Headers: headers, Body: body, Timeout: timeout,
		Idempotent: request.Context().Value(idempotent{}) != nil,
	})
	if fault != nil {
		return nil, &Error{Case(fault.Case), fault.Reason}
	}
	return responseTo(request, got, unpack)
}

// bodyOf reads the content of a request; nil if it has none.
func bodyOf(request *http.Request) ([]byte, error) {
	if request.Body == nil || request.Body == http.NoBody {
		return nil, nil
	}
	defer request.Body.Close()
	body, err := io.ReadAll(request.Body)
	if err == nil && body == nil {
		body = []byte{}
	}
	return body, err
}

// timeLeft is what the deadline of a context leaves; nil if it has none.
func timeLeft(ctx context.Context) (*uint32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, nil
	}
	const most = 1 << 31 // 25 days
	millis := (time.Until(deadline) + time.Millisecond - 1).Milliseconds()
	left := uint32(min(max(1, millis), most))
	return &left, nil
}

// headersOf leaves out the fields that Runner sets itself.
func headersOf(request *http.Request) []host.Pair {
	var headers []host.Pair
	for name, values := range request.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection":
			continue
		}
		for _, value := range values {
			headers = append(headers, host.Pair{Name: name, Value: value})
		}
	}
	return headers
}

func responseTo(request *http.Request, got *host.Response, unpack bool) (*http.Response, error) {
	response := &http.Response{
		Status:     fmt.Sprintf("%d %s", got.Status, http.StatusText(int(got.Status))),
		StatusCode: int(got.Status),
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        make(http.Header, len(got.Headers)),
		ContentLength: int64(len(got.Body)),
		Body:          io.NopCloser(bytes.NewReader(got.Body)),
		Request:       request,
	}
	for _, field := range got.Headers {
		response.Header.Add(field.Name, field.Value)
	}
	if unpack && len(got.Body) > 0 && strings.EqualFold(response.Header.Get("Content-Encoding"), "gzip") {
		content, err := gzip.NewReader(bytes.NewReader(got.Body))
		if err != nil {
			return nil, &Error{Protocol, "the content is not gzip: " + err.Error()}
		}
		response.Body = content
		response.ContentLength = -1
		response.Uncompressed = true
		response.Header.Del("Content-Encoding")
		response.Header.Del("Content-Length")
	}
	return response, nil
}

type idempotent struct{}

// WithIdempotencyKey returns a context whose requests carry the header
// Idempotency-Key: <queue>/<job id>/<n>, where n counts the requests of the attempt that
// asked for a key. The keys are the same in every attempt if the handler sends its
// requests in the same order.
func WithIdempotencyKey(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotent{}, true)
}
