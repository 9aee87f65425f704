-- Add a job with an id of ours to another queue: it waits at once, and more fields are
-- set as given. Once: a job that is there with that id stays as it is. Events as of
-- BullMQ's addStandardJob.
--   queue  base of the other queue's keys
local function add_beside(queue, id, name, data, opts, ...)
  local key = queue .. id
  if call('EXISTS', key) == 1 then
    return
  end
  call('INCR', queue .. 'id')
  local there = queue_at(queue)
  -- First what may fail because a key is of the wrong type: no job is half there.
  put(there, id, 0, 'LPUSH')
  call('HSET', key, 'name', name, 'data', data, 'timestamp', now, 'delay', 0, 'priority', 0, 'opts',
    opts .. ',"jobId":' .. cjson.encode(id) .. '}', ...)
  call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', id, 'name', name)
  offer(there, id)
end
