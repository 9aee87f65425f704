-- Where jobs wait, in this queue or in another on the same Redis: how one is put
-- there, who is woken and what is announced. settle.lua, take.lua and the gates
-- have their own lines for it: most of their calls get by without these functions,
-- and Redis makes functions anew in each call.

-- This queue, and any other, as these functions want it.
local here = { base = base, list = target, paused = paused, cap = cap, events = keep_events }

local function queue_at(other)
  local set = try('HMGET', other .. 'meta', 'paused', 'concurrency', 'version', 'opts.maxLenEvents')
  return {
    base = other, list = waiting_list(other, set[1], set[3]), paused = set[1], cap = count_of(set[2]),
    events = count_of(set[4]),
  }
end

-- Announce something, and trim what was announced before.
local function tell(queue, ...)
  if not queue.events then
    queue.events = default_events
    try('HSET', queue.base .. 'meta', 'opts.maxLenEvents', default_events)
  end
  call('XADD', queue.base .. 'events', 'MAXLEN', '~', queue.events, '*', 'event', ...)
end

-- Wake a worker, unless none may start a job.
local function wake_at(queue)
  if not queue.paused and not (queue.cap and call('LLEN', queue.base .. 'active') >= queue.cap) then
    call('ZADD', queue.base .. 'marker', 0, '0')
  end
end

-- Have a worker wake when the first delayed job falls due.
local function wake_when_due(queue)
  local at = next_delayed(queue.base .. 'delayed')
  if at then
    call('ZADD', queue.base .. 'marker', at, '1')
  end
end

-- Put a job behind those that wait. Without a priority, `push` is 'LPUSH', or
-- 'RPUSH' for one that goes first (lifo).
local function put(queue, id, priority, push)
  if priority == 0 then
    call(push, queue.list, id)
  else
    call('ZADD', queue.base .. 'prioritized', priority_score(queue.base, priority), id)
  end
end

-- Put a job of this queue before those that wait; `place` keeps the order of
-- several with one priority.
local function put_first(id, priority, place)
  if priority == 0 then
    call('RPUSH', target, id)
  else
    call('ZADD', prioritized, priority * 4294967296 + (place or 0), id)
  end
end

-- Tell the workers of a job that was put there.
local function offer(queue, id)
  wake_at(queue)
  tell(queue, 'waiting', 'jobId', id)
end

-- Delay a job until `at`.
local function delay_until(queue, id, at)
  local set = queue.base .. 'delayed'
  call('ZADD', set, delayed_score(set, at), id)
  tell(queue, 'delayed', 'jobId', id, 'delay', at)
end

-- Let a new job wait: until `at`, or, without it, for a worker.
local function enqueue(queue, id, at, priority, push)
  if at then
    delay_until(queue, id, at)
    wake_when_due(queue)
  else
    put(queue, id, priority, push)
    offer(queue, id)
  end
end
