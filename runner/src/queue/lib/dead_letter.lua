-- A copy of a job that failed for good, in its dead letter queue: the same name
-- and data, waiting anew. Its id names the failure, so that the same one is
-- copied once however often it is told. Events as of BullMQ's addStandardJob.
--   queue  base of the dead letter queue's keys   from   the failed job's queue
--   head   options of the copy up to those of the failed job (dead_letter.rs)
local function bury(queue, from, id, failed_at, name, data, opts, head, reason, traces)
  failed_at = string.format('%.0f', failed_at)
  local copy = string.gsub(from .. '-' .. id, ':', '-') .. '-' .. failed_at
  local key = queue .. copy
  if call('EXISTS', key) == 1 then
    return
  end
  local readable, options = pcall(cjson.decode, opts)
  if not readable or type(options) ~= 'table' then
    opts = '{}'
  end
  call('INCR', queue .. 'id')
  local settings = try('HMGET', queue .. 'meta', 'paused', 'concurrency', 'version', 'opts.maxLenEvents')
  local max = count_of(settings[4])
  if not max then
    max = 10000
    try('HSET', queue .. 'meta', 'opts.maxLenEvents', max)
  end
  -- First what may fail because a key is of the wrong type: no copy is half there.
  call('LPUSH', waiting_list(queue, settings[1], settings[3]), copy)
  call('HSET', key, 'name', name, 'data', data, 'timestamp', now, 'delay', 0, 'priority', 0, 'opts',
    head .. ',"failedAt":' .. failed_at .. ',"options":' .. opts .. '},"jobId":' .. cjson.encode(copy) .. '}',
    'failedReason', reason, 'stacktrace', traces)
  call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', copy, 'name', name)
  if not settings[1] and not (settings[2] and call('LLEN', queue .. 'active') >= (count_of(settings[2]) or math.huge)) then
    call('ZADD', queue .. 'marker', 0, '0')
  end
  call('XADD', queue .. 'events', 'MAXLEN', '~', max, '*', 'event', 'waiting', 'jobId', copy)
end
