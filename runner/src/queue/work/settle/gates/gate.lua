-- Gates as they are in Redis: who holds them, and how many jobs more may start.

-- A gate whose jobs ended unseen is looked at again after this many ms.
local AGAIN = 15000

local own = base .. 'runner:'
-- Gates as they were found, and jobs that were admitted, in this call.
local known, admitted = {}, {}
local gates = so_far.gates or { released = 0 }
so_far.gates = gates

-- Whether a job is about to be taken. A list is searched near the end that runs
-- first: that is where a job goes that comes back or was promoted.
local function waits(id)
  return call('LPOS', target, id, 'RANK', -1, 'MAXLEN', 1000) or call('ZSCORE', prioritized, id)
end

-- Take these jobs out of the gates they hold; returns the names of these gates.
local function leave(ids)
  local left = {}
  for i, held in ipairs(call('HMGET', own .. 'holders', unpack(ids))) do
    for name in string.gmatch(held or '', '[^\n]+') do
      call('SREM', own .. 'held:' .. name, ids[i])
      left[name] = true
    end
    if held then
      call('HDEL', own .. 'holders', ids[i])
    end
  end
  return left
end

-- Drop the holders that are gone, and count the others. A job that only lost its
-- lock is no longer running, but keeps its gates: it comes back before those that
-- are parked.
local function prune(key)
  for _, id in ipairs(call('SMEMBERS', key)) do
    if not admitted[id] and call('EXISTS', base .. id .. ':lock') == 0 and not call('LPOS', active, id)
        and not waits(id) then
      leave({ id })
      call('SREM', key, id)
    end
  end
  return call('SCARD', key)
end

-- A gate as it is now: how many more jobs may start (`room`), and at which ms to
-- look at it again.
local function gate(name)
  gates.name = name
  local it = known[name]
  if it then
    return it
  end
  local limit = limit_of(name)
  it = {
    name = name, room = math.huge, again = now + AGAIN, limited = limit.max, duration = limit.duration,
    held = limit.concurrency and own .. 'held:' .. name, started = own .. 'started:' .. name,
    parked = own .. 'parked:' .. name,
  }
  if limit.max then
    local started = count_of(call('GET', it.started)) or 0
    it.room = math.max(0, limit.max - started)
    if it.room == 0 then
      it.again = now + math.max(1, call('PTTL', it.started))
    end
  end
  if it.held then
    local held = call('SCARD', it.held)
    if held >= limit.concurrency then
      held = prune(it.held)
    end
    it.room = math.min(it.room, math.max(0, limit.concurrency - held))
  end
  known[name] = it
  return it
end
