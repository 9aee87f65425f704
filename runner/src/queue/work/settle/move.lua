-- The deduplication key of a job that moves goes with it, for the time it has left,
-- unless a job there has the same deduplication id. Returns whether it did.
local function move_deduplication(queue, copy, id, deid)
  local key = 'de:' .. deid
  if call('GET', base .. key) ~= id then
    return false
  end
  local ttl = call('PTTL', base .. key)
  if ttl > 0 then
    return call('SET', queue .. key, copy, 'NX', 'PX', ttl)
  end
  return call('SET', queue .. key, copy, 'NX')
end

-- Add a job to another queue: the same name, data, options and parent, waiting anew
-- under an id that names where it comes from. Events as of BullMQ's addStandardJob.
local function move(queue, from, id, job, data, opts)
  local copy = string.gsub(from .. '-' .. id, ':', '-')
  local key = queue .. copy
  if call('EXISTS', key) == 1 then
    return
  end
  local origin = '{"movedFrom":' .. cjson.encode({ queue = from, id = id })
  local rest = string.match(opts, '^%s*{%s*(.*)$') or '}'
  opts = origin .. (string.sub(rest, 1, 1) == '}' and '' or ',') .. rest
  call('INCR', queue .. 'id')
  local there, priority = queue_at(queue), priority_of(job[6])
  put(there, copy, math.max(priority, 0), 'LPUSH')
  local deid = job[4]
  local read, held = pcall(move_deduplication, queue, copy, id, deid or '')
  if deid and not (read and held) then
    deid = nil
    -- Readers take the last of two fields of one name.
    opts = string.gsub(opts, '}%s*$', ',"de":null}')
  end
  call('HSET', key, 'name', job[1], 'data', data, 'timestamp', now_text, 'delay', '0', 'priority', priority,
    'opts', opts)
  if deid then
    call('HSET', key, 'deid', deid)
  end
  local parent = job[2]
  if parent and parent ~= '' and job[3] then
    call('HSET', key, 'parentKey', parent, 'parent', job[3])
    if try('SREM', parent .. ':dependencies', base .. id) == 1 then
      call('SADD', parent .. ':dependencies', key)
    end
  end
  call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', copy, 'name', job[1])
  offer(there, copy)
end

-- Move a job to the queue whose keys begin with `queue`; `from` is this queue's name.
local function move_away(id, key, job, queue, from)
  local stored = call('HMGET', key, 'data', 'opts')
  move(queue, from, id, job, stored[1] or 'null', stored[2] or '{}')
  if job[4] then
    release_deduplication(job[4], id)
  end
  remove_job(key)
  call('XADD', events, '*', 'event', 'removed', 'jobId', id, 'prev', 'active')
end
