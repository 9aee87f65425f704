-- Copy a job that failed for good to its dead letter queue: the same name and data,
-- waiting anew. The id of the copy names the failure, so that each failure is copied
-- once, however often this is called.
--   queue  base of the dead letter queue's keys  from  name of the job's own queue
--   head   options of the copy up to those of the job (dead/copy.rs)
local function bury(queue, from, id, failed_at, name, data, opts, head, reason, traces)
  failed_at = string.format('%.0f', failed_at)
  local copy = string.gsub(from .. '-' .. id, ':', '-') .. '-' .. failed_at
  local readable, options = pcall(cjson.decode, opts)
  if not readable or type(options) ~= 'table' then
    opts = '{}'
  end
  local origin = head .. ',"failedAt":' .. failed_at .. ',"options":' .. opts .. '}'
  add_beside(queue, copy, name, data, origin, 'failedReason', reason, 'stacktrace', traces)
end
