-- Copy a job that failed for good to its dead letter queue: the same name and data,
-- waiting anew. The id of the copy names the failure, so that each failure is copied
-- once, however often this is called. Events as of BullMQ's addStandardJob.
--   queue  base of the dead letter queue's keys  from  name of the job's own queue
--   head   options of the copy up to those of the job (dead/copy.rs)
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
  local there = queue_at(queue)
  -- First what may fail because a key is of the wrong type: no copy is half there.
  put(there, copy, 0, 'LPUSH')
  call('HSET', key, 'name', name, 'data', data, 'timestamp', now, 'delay', 0, 'priority', 0, 'opts',
    head .. ',"failedAt":' .. failed_at .. ',"options":' .. opts .. '},"jobId":' .. cjson.encode(copy) .. '}',
    'failedReason', reason, 'stacktrace', traces)
  call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', copy, 'name', name)
  offer(there, copy)
end
