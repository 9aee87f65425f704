-- What is stored of jobs, and where each is. Reads only; what it costs does not depend on
-- how many jobs the queue has.
-- KEYS[1]  base of the queue's keys
-- ARGV     ids
-- returns  per job: false if there is none, or its fields and its state
local call, base = redis.call, KEYS[1]
-- Jobs looked at from either end of a list.
local LOOK = 1000

local function scored(set, id)
  return call('ZSCORE', base .. set, id) and set
end

-- From the end that is taken next, and from the other.
local function next_in(list, id)
  return call('LPOS', base .. list, id, 'RANK', -1, 'MAXLEN', LOOK)
end
local function last_in(list, id)
  return call('LPOS', base .. list, id, 'MAXLEN', LOOK)
end

-- First where its fields say that it is; a job is in one place only.
local function state_of(id, delay, priority, started, ended)
  local found = ended and (scored('completed', id) or scored('failed', id))
    or (delay and delay ~= '0' and scored('delayed', id))
    or (priority and priority ~= '0' and scored('prioritized', id))
    or (started and not ended and next_in('active', id) and 'active')
    or (next_in('wait', id) and 'waiting')
  if found then
    return found
  end
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    if scored(set, id) then
      return set
    end
  end
  if next_in('active', id) or last_in('active', id) then
    return 'active'
  end
  if last_in('wait', id) or next_in('paused', id) or last_in('paused', id) then
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
  local fields = redis.pcall('HMGET', base .. id, 'opts', 'name', 'data', 'atm', 'timestamp', 'processedOn',
    'finishedOn', 'progress', 'returnvalue', 'failedReason', 'delay', 'priority')
  -- A key of another type is no job.
  if not fields.err and fields[2] then
    fields[11], fields[12] = state_of(id, fields[11], fields[12], fields[6], fields[7]), nil
    found[n] = fields
  else
    found[n] = false
  end
end
return found
