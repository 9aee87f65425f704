-- Find the jobs that have waited longest: at the old ends of the lists, and the first
-- that are prioritized, or parked at one of the first gates (lib/parked.lua).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 how many of each kind  2 ms for which nobody else needs to look
-- returns  now, then id, name, timestamp, options and starts of each job; nil if
--          somebody has just looked
if not call('SET', base .. 'runner:oldest', '1', 'PX', ARGV[2], 'NX') then
  if call('PTTL', base .. 'runner:oldest') == -1 then
    call('DEL', base .. 'runner:oldest')
  end
  return false
end
local count = tonumber(ARGV[1])
local found = { now }

-- The gates that are to be looked at next take turns. Jobs that have gone are
-- forgotten here, too: a gate that stays full never sees it.
local function parked_longest()
  local ids, own = {}, base .. 'runner:'
  for _, gate in ipairs(call('ZRANGE', own .. 'gates', 0, 9)) do
    local parked = own .. 'parked:' .. gate
    for _, id in ipairs(call('ZRANGE', parked, 0, count - 1)) do
      if is_parked(id) then
        ids[#ids + 1] = id
      elseif call('EXISTS', base .. id) == 0 or call('HEXISTS', base .. id, 'finishedOn') == 1 then
        call('ZREM', parked, id)
        call('HDEL', parked_jobs, id)
      end
    end
  end
  return ids
end

for _, ids in ipairs({
  call('LRANGE', wait, -count, -1),
  call('LRANGE', base .. 'paused', -count, -1),
  call('ZRANGE', prioritized, 0, count - 1),
  parked_longest(),
}) do
  for _, id in ipairs(ids) do
    local job = try('HMGET', base .. id, 'name', 'timestamp', 'opts', 'ats')
    if not job.err and job[1] and job[2] then
      found[#found + 1] = id
      for i = 1, 4 do
        found[#found + 1] = job[i] or ''
      end
    end
  end
end
return found
