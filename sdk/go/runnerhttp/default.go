//go:build wasip1

package runnerhttp

import "net/http"

func init() { http.DefaultTransport = &Transport{} }
