//go:build wasip1 && runnerhttp

package runner

// With this, net/http works over Runner. `runner build` sets the tag for programs that
// use net/http, because it makes the component three times as large.
import _ "runner.dev/sdk/runnerhttp"
