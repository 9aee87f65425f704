#!/usr/bin/env bash
# One job scheduler in Redis, two readers: the worker that takes a run computes the next
# one from the stored `pattern` and `tz`. npm bullmq 6.7.0 does so with cron-parser 5,
# PyPI bullmq 3.4.4 with croniter 2.0.7. They disagree on
#
# - a scheduler without `tz`: Node uses the time zone of its process, Python UTC, so a
#   run at 9 in the morning moves with the worker that took the last one;
# - "the last Friday of a month": `5L` in Node, `L5` in Python. Each refuses the other's
#   spelling, so the scheduler ends with the run that the other one took.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet bullmq==3.4.4 croniter==2.0.7
npm install --silent --prefix "$dir" bullmq@6.7.0 cron-parser@5.10.3

# Patterns with the time they are read at, 2026-06-10T00:00:00Z.
cat >"$dir/next.py" <<'PY'
from datetime import datetime, timezone
from bullmq.job_scheduler import default_repeat_strategy

for opts in [{"pattern": "0 9 * * *"}, {"pattern": "0 9 * * 5L", "tz": "UTC"}, {"pattern": "0 9 * * L5", "tz": "UTC"}]:
    try:
        at = default_repeat_strategy(1781049600000, opts)
        shown = datetime.fromtimestamp(at / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M")
    except Exception as error:
        shown = type(error).__name__
    print("python:", opts["pattern"], "->", shown)
PY
cat >"$dir/next.cjs" <<'JS'
const { getNextMillis } = require('bullmq')
for (const opts of [{ pattern: '0 9 * * *' }, { pattern: '0 9 * * 5L', tz: 'UTC' }, { pattern: '0 9 * * L5', tz: 'UTC' }]) {
  let shown
  try {
    const at = getNextMillis(1781049600000, opts)
    shown = new Date(at).toISOString().slice(0, 16)
  } catch (error) {
    shown = error.constructor.name
  }
  console.log('node:  ', opts.pattern, '->', shown)
}
JS

{ TZ=America/New_York "$dir/venv/bin/python" "$dir/next.py"; TZ=America/New_York node "$dir/next.cjs"; } | tee "$dir/seen"
cat >"$dir/expected" <<'OUT'
python: 0 9 * * * -> 2026-06-10T09:00
python: 0 9 * * 5L -> CroniterNotAlphaError
python: 0 9 * * L5 -> 2026-06-26T09:00
node:   0 9 * * * -> 2026-06-10T13:00
node:   0 9 * * 5L -> 2026-06-26T09:00
node:   0 9 * * L5 -> Error
OUT
diff "$dir/expected" "$dir/seen" && echo "as described"
