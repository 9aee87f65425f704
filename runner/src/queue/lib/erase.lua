-- Removing a job with all that belongs to it (BullMQ: removeJob,
-- removeDeduplicationKeyIfNeededOnRemoval, isJobSchedulerJob).
local schedulers = base .. 'repeat'

-- The next run of a scheduler goes with the scheduler only: without it the
-- schedule would end.
local function is_next_run(id, scheduler)
  local at = scheduler and try('ZSCORE', schedulers, scheduler)
  return type(at) == 'string' and id == 'repeat:' .. scheduler .. ':' .. at
end

local function forget_deduplication(queue, id, deid)
  if deid and try('GET', queue .. 'de:' .. deid) == id then
    call('DEL', queue .. 'de:' .. deid, queue .. 'dn:' .. deid)
  end
end

-- Also what was put aside when it was found corrupt. What only looks like a job
-- because an entry names a key of the queue stays.
local function remove_all(queue, id)
  local key = queue .. id
  if not names_job(queue, id) then
    return 0
  end
  call('DEL', key .. ':corrupt', key .. ':logs:corrupt', key .. ':dependencies:corrupt', key .. ':processed:corrupt',
    key .. ':failed:corrupt', key .. ':unsuccessful:corrupt')
  return remove_keys(key)
end

-- Take the job out of where it is, and say where that was.
local function take_out(queue, id)
  for _, set in ipairs({ 'completed', 'waiting-children', 'delayed', 'failed', 'prioritized' }) do
    if try('ZREM', queue .. set, id) == 1 then
      return set
    end
  end
  for _, list in ipairs({ 'wait', 'paused', 'active' }) do
    if try('LREM', queue .. list, 1, id) == 1 then
      return list
    end
  end
  return 'unknown'
end

-- A job whose list or set the caller sees to. A parent in this queue that waited
-- for it alone is removed with it, one in another queue goes on.
local function erase(id)
  local key = base .. id
  local job = try('HMGET', key, 'parentKey', 'deid')
  local parent = job[1]
  local queue, parent_id
  if parent then
    queue, parent_id = split(parent)
  end
  if queue and queue ~= base then
    forget_child(key, parent)
  elseif queue and try('SREM', parent .. ':dependencies', key) == 1
      and call('SCARD', parent .. ':dependencies') == 0 and call('ZREM', queue .. 'waiting-children', parent_id) == 1 then
    erase(parent_id)
  end
  forget_deduplication(base, id, job[2])
  remove_all(base, id)
end

-- Remove the keys of a job that was taken out, and tell it.
local function remove_told(queue, id, prev)
  if remove_all(queue, id) > 0 then
    local most = count_of(try('HGET', queue .. 'meta', 'opts.maxLenEvents'))
    if not most then
      most = 10000
      try('HSET', queue .. 'meta', 'opts.maxLenEvents', most)
    end
    try('XADD', queue .. 'events', 'MAXLEN', '~', most, '*', 'event', 'removed', 'jobId', id, 'prev', prev)
  end
end
