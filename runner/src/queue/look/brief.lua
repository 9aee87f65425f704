-- What is stored of jobs, and where each is. Reads only; what it costs does not depend on
-- how many jobs the queue has.
-- KEYS[1]  base of the queue's keys
-- ARGV     ids
-- returns  per job: false if there is none, or its state, `opts` and the other fields
local call, base = redis.call, KEYS[1]
local sets = { 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }
-- Jobs looked at from either end of a list.
local LOOK = 1000

local function listed(list, id)
  local key = base .. list
  return call('LPOS', key, id, 'RANK', -1, 'MAXLEN', LOOK) or call('LPOS', key, id, 'MAXLEN', LOOK)
end

local function state_of(id)
  for _, set in ipairs(sets) do
    if call('ZSCORE', base .. set, id) then
      return set
    end
  end
  if listed('active', id) then
    return 'active'
  end
  if listed('wait', id) or listed('paused', id) then
    return 'waiting'
  end
  -- A job in the middle of a long list is not looked for: it is nowhere else.
  for _, list in ipairs({ 'active', 'wait', 'paused' }) do
    if call('LLEN', base .. list) > 2 * LOOK then
      return list == 'active' and 'active' or 'waiting'
    end
  end
  return 'unknown'
end

local found = {}
for n, id in ipairs(ARGV) do
  local fields = redis.pcall('HMGET', base .. id, 'opts', 'name', 'data', 'atm', 'timestamp', 'processedOn', 'finishedOn',
    'progress', 'returnvalue', 'failedReason')
  -- A key of another type is no job.
  if not fields.err and fields[2] then
    table.insert(fields, 1, state_of(id))
    found[n] = fields
  else
    found[n] = false
  end
end
return found
