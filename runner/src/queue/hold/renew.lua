-- Prolong the locks of running jobs in one call (BullMQ: extendLocks).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 ms of the lock, or 0 to look only  then id and token of each job
-- returns  positions, from 0, of the jobs whose lock is no longer ours
local call = redis.call
local base, ms = KEYS[1], ARGV[1]
local keys, n = {}, 0
for i = 2, #ARGV, 2 do
  n = n + 1
  keys[n] = base .. ARGV[i] .. ':lock'
end
local held = call('MGET', unpack(keys))
local lost, kept = {}, {}
for i = 1, n do
  if held[i] == ARGV[2 * i + 1] then
    if ms ~= '0' then
      call('PEXPIRE', keys[i], ms)
      kept[#kept + 1] = ARGV[2 * i]
    end
  else
    lost[#lost + 1] = i - 1
  end
end
if kept[1] then
  redis.pcall('SREM', base .. 'stalled', unpack(kept))
end
return lost
