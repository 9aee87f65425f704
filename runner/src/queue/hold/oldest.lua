-- The jobs that have waited longest: the old ends of the lists, and the first of
-- what is prioritized and of what is parked at a few gates (see lib/gates.lua).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 how many of each  2 ms in which nobody else needs to look
-- returns  now, then id, name, timestamp, options and starts of each; nil if
--          somebody has just looked
if not call('SET', base .. 'runner:oldest', '1', 'PX', ARGV[2], 'NX') then
  if call('PTTL', base .. 'runner:oldest') == -1 then
    call('DEL', base .. 'runner:oldest')
  end
  return false
end
local count = tonumber(ARGV[1])
local found = { now }

-- The gates that are to be looked at next take turns. What has left is forgotten
-- here, too: a gate that stays full does not see it.
local function parked_longest()
  local ids, own = {}, base .. 'runner:'
  for _, gate in ipairs(call('ZRANGE', own .. 'gates', 0, 9)) do
    local parked = own .. 'parked:' .. gate
    for _, id in ipairs(call('ZRANGE', parked, 0, count - 1)) do
      local due = string.match(call('HGET', own .. 'parked', id) or '', '^%S+')
      local score = call('ZSCORE', delayed, id)
      if score and tonumber(score) == tonumber(due) then
        ids[#ids + 1] = id
      elseif call('EXISTS', base .. id) == 0 or call('HEXISTS', base .. id, 'finishedOn') == 1 then
        call('ZREM', parked, id)
        call('HDEL', own .. 'parked', id)
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
