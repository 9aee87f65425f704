#!/usr/bin/env bash
# PyPI bullmq 3.4.4 (with croniter 2.0.7, which it pins): after the clocks change, the
# first run of a cron scheduler with a time zone is an hour off, and in spring the right
# run follows, too. A job for weekdays at 9 runs on Monday at 8 and at 9; one for
# weekdays at midnight also runs on Sunday at 23:00.
#
# npm bullmq 6.7.0 runs the same stored scheduler once, at the right hour. Which of the
# two computes the next run depends on which takes the job of this one.
#
# croniter 7.0.0 gives the right hours; 6.0.0 does not.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet bullmq==3.4.4 croniter==2.0.7
npm install --silent --prefix "$dir" bullmq@6.7.0

cat >"$dir/runs.py" <<'PY'
from datetime import datetime
from zoneinfo import ZoneInfo

from bullmq.job_scheduler import default_repeat_strategy

zone = ZoneInfo("Europe/Berlin")
for pattern, day in [("0 9 * * 1-5", 27), ("0 0 * * 1-5", 28), ("0 9 1 * *", 5)]:
    at = int(datetime(2026, 3, day, 12, tzinfo=zone).timestamp() * 1000)
    runs = []
    for _ in range(3):
        at = default_repeat_strategy(at, {"pattern": pattern, "tz": "Europe/Berlin"})
        runs.append(datetime.fromtimestamp(at / 1000, zone).strftime("%a %d %b %H:%M"))
    print("python:", pattern, "->", ", ".join(runs))
PY
cat >"$dir/runs.cjs" <<'JS'
const { getNextMillis } = require('bullmq')
const shown = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Berlin', weekday: 'short', day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit',
})
for (const [pattern, day] of [['0 9 * * 1-5', 27], ['0 0 * * 1-5', 28], ['0 9 1 * *', 5]]) {
  let at = Date.UTC(2026, 2, day, 11)
  const runs = []
  for (let n = 0; n < 3; n++) {
    at = getNextMillis(at, { pattern, tz: 'Europe/Berlin' })
    runs.push(shown.format(at).replaceAll(',', ''))
  }
  console.log('node:  ', pattern, '->', runs.join(', '))
}
JS

cat >"$dir/expected" <<'OUT'
python: 0 9 * * 1-5 -> Mon 30 Mar 08:00, Mon 30 Mar 09:00, Tue 31 Mar 09:00
python: 0 0 * * 1-5 -> Sun 29 Mar 23:00, Mon 30 Mar 00:00, Tue 31 Mar 00:00
python: 0 9 1 * * -> Wed 01 Apr 08:00, Wed 01 Apr 09:00, Fri 01 May 09:00
node:   0 9 * * 1-5 -> Mon 30 Mar 09:00, Tue 31 Mar 09:00, Wed 01 Apr 09:00
node:   0 0 * * 1-5 -> Mon 30 Mar 00:00, Tue 31 Mar 00:00, Wed 01 Apr 00:00
node:   0 9 1 * * -> Wed 01 Apr 09:00, Fri 01 May 09:00, Mon 01 Jun 09:00
OUT
{ "$dir/venv/bin/python" "$dir/runs.py"; node "$dir/runs.cjs"; } | tee "$dir/seen"
diff "$dir/expected" "$dir/seen" && echo "as described"
