-- The jobs that have waited longest: the old ends of the lists, and of what is
-- prioritized the first.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 how many of each  2 ms in which nobody else needs to look
-- returns  now, then id, name, timestamp, options and starts of each; nil if
--          somebody has just looked
if not call('SET', base .. 'runner:oldest', '1', 'PX', ARGV[2], 'NX') then
  return false
end
local count = tonumber(ARGV[1])
local found = { now }
for _, ids in ipairs({
  call('LRANGE', wait, -count, -1),
  call('LRANGE', base .. 'paused', -count, -1),
  call('ZRANGE', prioritized, 0, count - 1),
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
