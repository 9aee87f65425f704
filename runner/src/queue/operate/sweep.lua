-- Remove the jobs of one list or set, a bounded number in one call (BullMQ:
-- cleanJobsInSet, drain, obliterate). Lists are swept from the end that runs first.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 suffix of the list or set  2 'clean', 'drain', 'obliterate', 'force' (to
--          obliterate with active jobs), or 'parked' for those jobs of `delayed` that
--          are parked at gates (lib/parked.lua)  3 jobs to look at  4 jobs that the
--          calls before left  5 least age in ms, for 'clean'
-- returns  jobs removed, jobs looked at; instead of the first, -1 if the queue to be
--          obliterated is not paused, -2 if it has active jobs
local mode, size, kept = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local set, age = base .. ARGV[1], tonumber(ARGV[5])
local ends = mode == 'obliterate' or mode == 'force'
if ends and not paused then
  return { -1, 0 }
elseif mode == 'obliterate' and call('EXISTS', active) == 1 then
  return { -2, 0 }
end

local finished = ARGV[1] == 'completed' or ARGV[1] == 'failed'
-- The age of a job is counted from the first of these that it has.
local instants = { 'finishedOn', 'processedOn', 'timestamp' }
if ARGV[1] == 'prioritized' then
  instants = { 'timestamp' }
elseif ARGV[1] == 'delayed' then
  instants = { 'processedOn', 'timestamp' }
end

local function is_due(id)
  local key = base .. id
  if ends or finished then
    return true
  elseif mode == 'parked' then
    return is_parked(id)
  elseif ARGV[1] == 'active' and call('EXISTS', key .. ':lock') == 1 then
    return false
  end
  local job = try('HMGET', key, 'rjk', unpack(instants))
  if is_next_run(id, job[1]) then
    return false
  end
  local at = job[2] or job[3] or job[4]
  return mode == 'drain' or (tonumber(at) or 0) <= now - age
end

local list, ids = call('TYPE', set)['ok'] == 'list', nil
if list then
  ids = call('LRANGE', set, -(kept + size), -(kept + 1))
elseif finished and mode == 'clean' then
  ids = call('ZRANGEBYSCORE', set, '-inf', now - age, 'LIMIT', kept, size)
else
  ids = call('ZRANGE', set, kept, kept + size - 1)
end

local gone = {}
for at = #ids, 1, -1 do
  local id = ids[at]
  if is_due(id) then
    if ARGV[1] == 'active' then
      call('DEL', base .. id .. ':lock')
    end
    erase(id)
    gone[#gone + 1] = id
    if list then
      call('LSET', set, at - #ids - 1 - kept, '')
    end
  end
end
if gone[1] then
  if list then
    call('LREM', set, -#gone, '')
  else
    call('ZREM', set, unpack(gone))
  end
end
return { #gone, #ids }
