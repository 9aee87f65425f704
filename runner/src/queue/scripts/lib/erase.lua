-- Removing a job with all that belongs to it (BullMQ: removeJob,
-- removeDeduplicationKeyIfNeededOnRemoval, isJobSchedulerJob).
local schedulers = base .. 'repeat'

-- The next run of a scheduler goes with the scheduler only: without it the
-- schedule would end.
local function is_next_run(id, scheduler)
  local at = scheduler and call('ZSCORE', schedulers, scheduler)
  return at and id == 'repeat:' .. scheduler .. ':' .. at
end

local function forget_deduplication(queue, id, deid)
  if deid and call('GET', queue .. 'de:' .. deid) == id then
    call('DEL', queue .. 'de:' .. deid, queue .. 'dn:' .. deid)
  end
end

-- Also what was put aside when the key was found corrupt.
local function remove_all(key)
  call('DEL', key .. ':corrupt')
  return remove_keys(key)
end

-- Base and id of a job's key.
local function split(key)
  local id = string.match(key, '.*:(.*)')
  return string.sub(key, 1, #key - #id), id
end

-- Take the job out of where it is, and say where that was.
local function take_out(queue, id)
  for _, set in ipairs({ 'completed', 'waiting-children', 'delayed', 'failed', 'prioritized' }) do
    if call('ZREM', queue .. set, id) == 1 then
      return set
    end
  end
  for _, list in ipairs({ 'wait', 'paused', 'active' }) do
    if call('LREM', queue .. list, 1, id) == 1 then
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
  if parent and parent ~= '' and call('SREM', parent .. ':dependencies', key) == 1
      and call('SCARD', parent .. ':dependencies') == 0 then
    local queue, parent_id = split(parent)
    if call('ZREM', queue .. 'waiting-children', parent_id) == 1 then
      if queue == base then
        erase(parent_id)
      else
        parent_to_wait(queue, parent_id, parent, nil)
      end
    end
  end
  forget_deduplication(base, id, job[2])
  remove_all(key)
end

-- Remove the keys of a job that was taken out, and tell it.
local function remove_told(queue, id, prev)
  if remove_all(queue .. id) > 0 then
    local most = call('HGET', queue .. 'meta', 'opts.maxLenEvents')
    if not most then
      most = 10000
      call('HSET', queue .. 'meta', 'opts.maxLenEvents', most)
    end
    call('XADD', queue .. 'events', 'MAXLEN', '~', most, '*', 'event', 'removed', 'jobId', id, 'prev', prev)
  end
end
