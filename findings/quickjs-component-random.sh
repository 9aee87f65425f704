#!/usr/bin/env bash
# npm componentize-qjs 0.4.5: `Math.random()` of a component returns the same numbers in
# every instance and every process. QuickJS picks its seed when it starts, which is when
# the component is built, and the component contains the started engine. Two jobs in
# fresh instances make the same "random" id.
#
# A component built from the same source with npm @bytecodealliance/jco 1.35.0 and
# StarlingMonkey returns different numbers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

echo '{ "type": "module" }' >package.json
npm install --silent componentize-qjs@0.4.5 @bytecodealliance/jco@1.35.0 @bytecodealliance/preview2-shim@0.26.0
cat >draw.wit <<'WIT'
package demo:draw;
world draw { export draw: func() -> string; }
WIT
echo 'export function draw() { return Math.random().toFixed(6) }' >draw.js
npx componentize-qjs --wit draw.wit --js draw.js --world draw --sync --output quickjs.wasm >/dev/null
npx jco componentize draw.js --wit draw.wit -n draw -o starlingmonkey.wasm >/dev/null
cat >run.js <<'JS'
import { readFile } from 'node:fs/promises'
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation'

for (const engine of ['quickjs', 'starlingmonkey']) {
  const { instantiate } = await import(`./${engine}/${engine}.js`)
  const compile = async file => WebAssembly.compile(await readFile(`${engine}/${file}`))
  const drawn = new Set()
  for (let n = 0; n < 20; n++) {
    const instance = await instantiate(compile, new WASIShim().getImportObject())
    drawn.add(instance.draw())
  }
  console.log(`${engine}: 20 instances, ${drawn.size} different numbers`)
}
JS
for engine in quickjs starlingmonkey; do
  npx jco transpile $engine.wasm -o $engine --name $engine --instantiation async >/dev/null
done
# Node 20 needs the flag for what QuickJS' module uses; later ones have no such flag.
flag=--experimental-wasm-extended-const
node $flag -e 0 2>/dev/null || flag=
node $flag run.js | tee seen
cat >expected <<'OUT'
quickjs: 20 instances, 1 different numbers
starlingmonkey: 20 instances, 20 different numbers
OUT
diff expected seen && echo "as described"
