-- Schedulers: `repeat` holds the time of each one's next run, which is the job
-- `repeat:<id>:<time>`; the hash `repeat:<id>` says what it repeats.
local repeats = base .. 'repeat'

local function run_of(id, at)
  return 'repeat:' .. id .. ':' .. at
end

-- Add the run of a scheduler at that time, or at once if it has passed; `runs`
-- is what the ids of its jobs begin with.
local function add_run(id, runs, at, name, data, opts, delay, priority, push, deid)
  local run = runs .. ':' .. at
  local key = base .. run
  call('INCR', base .. 'id')
  call('HSET', key, 'name', name, 'data', data, 'opts', opts, 'timestamp', now,
    'delay', delay, 'priority', priority, 'rjk', id)
  if deid ~= '' then
    call('HSET', key, 'deid', deid)
  end
  call('XADD', events, '*', 'event', 'added', 'jobId', run, 'name', name)
  enqueue(here, run, delay > 0 and tonumber(at), priority, push)
  return run
end

-- Remove the run at that time if it has not begun.
local function remove_run(id, at)
  local run = run_of(id, at)
  local key = base .. run
  if call('EXISTS', key) == 0 then
    return
  end
  local from = (call('ZREM', delayed, run) == 1 and 'delayed')
    or (call('ZREM', prioritized, run) == 1 and 'prioritized')
    or (call('LREM', target, 1, run) == 1 and 'waiting')
  if not from then
    return
  end
  local deid = call('HGET', key, 'deid')
  if deid and try('GET', base .. 'de:' .. deid) == run then
    call('DEL', base .. 'de:' .. deid, base .. 'dn:' .. deid)
  end
  remove_job(key)
  call('XADD', events, '*', 'event', 'removed', 'jobId', run, 'prev', from)
end

-- Where the run at that time is: 'delayed', 'waiting', 'active', 'done' if it has just
-- ended, 'lost' if nothing will ever make the run after it. To make that is the first
-- thing a worker does: a run that began or ended more than `grace` ms ago has failed to.
local function run_state(id, at, grace)
  local run = run_of(id, at)
  if call('ZSCORE', delayed, run) then
    return 'delayed'
  end
  local times = try('HMGET', base .. run, 'name', 'processedOn', 'finishedOn')
  if times['err'] or not times[1] then
    local due = tonumber(at)
    return (due <= now and due + grace >= now) and 'done' or 'lost'
  end
  if times[3] then
    return (tonumber(times[3]) or 0) + grace >= now and 'done' or 'lost'
  end
  if call('EXISTS', base .. run .. ':lock') == 1 then
    local since = tonumber(times[2])
    return (since and since + grace < now) and 'lost' or 'active'
  end
  if call('ZSCORE', prioritized, run) or call('ZSCORE', base .. 'waiting-children', run) then
    return 'waiting'
  end
  -- A long list is not searched: the job is most likely in it.
  if call('LLEN', target) > 10000 or call('LPOS', target, run) or call('LPOS', active, run) then
    return 'waiting'
  end
  return 'lost'
end
