-- Remove a job with all that belongs to it (BullMQ: removeJob,
-- removeDeduplicationKeyIfNeededOnRemoval, isJobSchedulerJob).
local schedulers = base .. 'repeat'

-- Whether a job is the next run of its scheduler. It is removed with the scheduler
-- only: without it the schedule would end.
local function is_next_run(id, scheduler)
  local at = scheduler and try('ZSCORE', schedulers, scheduler)
  return type(at) == 'string' and id == 'repeat:' .. scheduler .. ':' .. at
end

local function forget_deduplication(queue, id, deid)
  if deid and try('GET', queue .. 'de:' .. deid) == id then
    call('DEL', queue .. 'de:' .. deid, queue .. 'dn:' .. deid)
  end
end

-- Remove the keys of a job, and count them; a key that belongs to something else,
-- though an entry of a list or set names it, stays.
local function remove_all(queue, id)
  return names_job(queue, id) and remove_job(queue .. id) or 0
end

-- Whether a worker has this job, or one of the children it waits for, or of theirs.
-- `seen`: the jobs that were looked at, for keys that lead in a circle.
local function is_locked(key, seen)
  if seen[key] then
    return false
  end
  seen[key] = true
  if call('EXISTS', key .. ':lock') == 1 then
    return true
  end
  for _, child in ipairs(try('SMEMBERS', key .. ':dependencies')) do
    if is_locked(child, seen) then
      return true
    end
  end
  return false
end

-- Take a job out of its list or set; returns the name of that.
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

-- Remove a job, but not its entry: the caller sees to the list or set. A parent in this
-- queue that waited for it alone is removed, too; one in another queue goes on.
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

-- Remove the keys of a job that was taken out of `prev`, and announce it.
local function remove_told(queue, id, prev)
  if remove_all(queue, id) > 0 then
    pcall(tell, queue == base and here or queue_at(queue), 'removed', 'jobId', id, 'prev', prev)
  end
end
