-- Jobs that are parked at a gate, and jobs that wait again because one opened.

-- An hour: a job that waits longer is parked anew, in its old place.
local SAFE = 3600000
-- Jobs looked at in one call, at some 15 µs for each that is parked, and ms before
-- the next call: a backlog that is parked takes at most a third of Redis' time.
local LOOK, PACE = 128, 5

-- How many jobs are parked, counted once a call.
local parked
local function parked_count()
  parked = parked or call('HLEN', parked_jobs)
  return parked
end

-- A parked job's score in `delayed`, and its gate.
local function place(id)
  if parked_count() > 0 then
    return place_of(id)
  end
end

-- Forget that a job is parked at this gate.
local function unpark(id, name)
  call('HDEL', parked_jobs, id)
  call('ZREM', own .. 'parked:' .. name, id)
  if call('EXISTS', own .. 'parked:' .. name) == 0 then
    call('ZREM', own .. 'gates', name)
  end
end

-- Park a job at this gate; one that was parked there keeps its place.
local function park(id, key, it, priority)
  local due = now + SAFE
  local score = string.format('%.0f', delayed_score(delayed, due))
  local _, before = place(id)
  if before and before ~= it.name then
    unpark(id, before)
  end
  call('ZADD', delayed, score, id)
  call('HSET', parked_jobs, id, score .. ' ' .. it.name)
  call('ZADD', it.parked, 'NX', priority * 4294967296 + call('INCR', own .. 'parked:order') % 4294967296, id)
  if it.listed ~= it.again then
    call('ZADD', own .. 'gates', 'LT', it.again, it.name)
    it.listed = it.again
  end
  parked = parked + 1
  call('HSET', key, 'delay', SAFE)
  call('XADD', events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
end

-- Let as many jobs wait as may start, from the first that is parked. A job that
-- somebody else promoted counts as one; a job that has gone is forgotten.
local function release(it)
  local room, at, free, looks = it.room, 0, {}, LOOK
  while room > 0 do
    if looks == 0 then
      it.again = now + PACE
      break
    end
    looks = looks - 1
    local id = call('ZRANGE', it.parked, at, at)[1]
    if not id then
      break
    end
    local due, name = place(id)
    local score = call('ZSCORE', delayed, id)
    if score and name == it.name and tonumber(score) == tonumber(due) then
      free[#free + 1] = id
      at, room = at + 1, room - 1
    elseif not score and waits(id) then
      at, room = at + 1, room - 1
    else
      call('ZREM', it.parked, id)
      if name == it.name then
        call('HDEL', parked_jobs, id)
      end
    end
  end
  for i = #free, 1, -1 do
    local key = base .. free[i]
    local priority = priority_of(try('HGET', key, 'priority'))
    local score = call('ZSCORE', delayed, free[i])
    call('ZREM', delayed, free[i])
    local pushed
    if priority == 0 then
      pushed = try('RPUSH', target, free[i])
    else
      pushed = try('ZADD', prioritized, priority * 4294967296 + i - 1, free[i])
    end
    if type(pushed) == 'table' then
      call('ZADD', delayed, score, free[i])
      error(pushed.err, 0)
    end
  end
  for _, id in ipairs(free) do
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    try('HSET', base .. id, 'delay', 0)
  end
  gates.released = gates.released + #free
  if call('EXISTS', it.parked) == 0 then
    call('ZREM', own .. 'gates', it.name)
  else
    call('ZADD', own .. 'gates', it.again, it.name)
  end
end

-- These jobs have stopped running: what they held is free.
function gates.leave(ids)
  local left = leave(ids)
  if next(left) and parked_count() > 0 then
    for name in pairs(left) do
      release(gate(name))
    end
    known = {}
  end
end

-- Open the gates that are due to be looked at.
local function open()
  for _, name in ipairs(call('ZRANGEBYSCORE', own .. 'gates', '-inf', now, 'LIMIT', 0, 64)) do
    release(gate(name))
  end
end
