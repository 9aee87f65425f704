package main

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"math/big"
	"math/rand"
	randv2 "math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"runner.dev/sdk"
)

var _ = has(map[string]runner.Handler{
	"random":      random,
	"clock":       clock,
	"environment": environment,
	"count":       count,
	"hold":        runner.Typed(hold),
	"read":        runner.Typed(read),
})

// Made when the program is loaded.
var (
	early     = rand.New(rand.NewSource(rand.Int63()))
	earlyV2   = randv2.New(randv2.NewPCG(randv2.Uint64(), randv2.Uint64()))
	earlySeed = maphash.MakeSeed()
	earlyText = crand.Text()
	earlyInt  = rand.Int63()
)

// random has a value of every random source of the standard library. Those of the order
// in which maps are walked have too few values to be all different.
func random(context.Context, *runner.Job) (any, error) {
	number, err := crand.Int(crand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	key := make([]byte, 16)
	crand.Read(key)
	return object{
		"rand": fmt.Sprint(rand.Int63()), "randV2": fmt.Sprint(randv2.Uint64()),
		"shuffled": fmt.Sprint(rand.Perm(60)), "early": fmt.Sprint(early.Int63()),
		"earlyV2": fmt.Sprint(earlyV2.Uint64()), "earlyInt": fmt.Sprint(earlyInt),
		"maphash": fmt.Sprint(maphash.String(maphash.MakeSeed(), "")), "earlyMaphash": fmt.Sprint(maphash.String(earlySeed, "")),
		"crypto": fmt.Sprintf("%x", key), "cryptoInt": number.String(), "cryptoText": crand.Text(), "earlyText": earlyText,
	}, nil
}

func clock(context.Context, *runner.Job) (any, error) {
	now := time.Now()
	_, offset := now.Zone()
	return object{
		"now": now.UnixMilli(), "offset": offset / 60,
		"monotonic": time.Since(now) >= 0 && now.Sub(opened) >= 0,
	}, nil
}

func environment(context.Context, *runner.Job) (any, error) {
	env := object{}
	for _, one := range os.Environ() {
		name, value, _ := strings.Cut(one, "=")
		env[name] = value
	}
	stdin, err := io.ReadAll(os.Stdin)
	return object{"env": env, "args": append([]string{}, os.Args[min(1, len(os.Args)):]...), "stdin": string(stdin)}, err
}

var counted int

func count(context.Context, *runner.Job) (any, error) {
	counted++
	return object{"count": counted}, nil
}

var held int

func hold(ctx context.Context, data struct {
	N   int    `json:"n"`
	URL string `json:"url"`
}) (object, error) {
	held = data.N
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, data.URL, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	slog.InfoContext(ctx, fmt.Sprint("holds ", data.N))
	return object{"n": held}, nil
}

func read(_ context.Context, data struct {
	Path string `json:"path"`
}) (object, error) {
	text, err := os.ReadFile(data.Path)
	if err != nil {
		return object{"error": err.Error()}, nil
	}
	return object{"text": string(text)}, nil
}
