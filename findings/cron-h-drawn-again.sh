#!/usr/bin/env bash
# npm bullmq 6.7.0 with cron-parser 5: `H` in a pattern ("some fixed time, to spread
# the load") gets a new value on every run, because the pattern is parsed again each
# time, without a seed. `H H * * *` does not run once a day, but several times on some
# days and not at all on others.
#
# Seen once (it is random): 1000 runs in 516 days, more than one on 333 of them, at
# most 6 on one day.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

npm install --silent --prefix "$dir" bullmq@6.7.0 cron-parser@5.10.3
cat >"$dir/runs.cjs" <<'JS'
const { getNextMillis } = require('bullmq')
const day = 86_400_000
const began = Date.UTC(2026, 0, 1)
const runs = new Map()
let at = began
for (let n = 0; n < 1000; n++) {
  at = getNextMillis(at, { pattern: 'H H * * *', tz: 'UTC' })
  const date = Math.floor(at / day)
  runs.set(date, (runs.get(date) ?? 0) + 1)
}
const days = Math.round((at - began) / day)
const several = [...runs.values()].filter(n => n > 1).length
console.log(`1000 runs in ${days} days, more than one on ${several} of them, at most ${Math.max(...runs.values())} on one`)
// Once a day would be 1000 days and never two on one.
process.exit(days < 800 && several > 100 ? 0 : 1)
JS
node "$dir/runs.cjs" && echo "as described"
