-- Change a job where it is: its payload, when it is due, its priority; all of it or
-- nothing (BullMQ: updateData, changeDelay, changePriority).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 id  2 '1' to change the payload  3 payload  4 ms from now until it is due,
--          or ''  5 priority, or ''  6 '1' to put it before the jobs of its priority
-- returns  1 changed, 0 no such job, -1 a worker runs it, -2 it is not delayed, -3 it is
--          the next run of a scheduler
local id, key = ARGV[1], base .. ARGV[1]
local wait_ms, priority = tonumber(ARGV[4]), tonumber(ARGV[5])

local function refused_to_change()
  if call('TYPE', key)['ok'] ~= 'hash' then
    return 0
  elseif ARGV[2] == '1' and call('EXISTS', key .. ':lock') == 1 then
    return -1
  elseif wait_ms and is_next_run(id, call('HGET', key, 'rjk')) then
    return -3
  elseif wait_ms and not call('ZSCORE', delayed, id) then
    return -2
  end
end

local function put_anew()
  local waits = call('ZREM', prioritized, id) == 1
    or call('LREM', wait, -1, id) == 1 or call('LREM', base .. 'paused', -1, id) == 1
  if waits and ARGV[6] == '1' then
    put_first(id, priority)
  elseif waits then
    put(here, id, priority, 'LPUSH')
  end
  if waits then
    wake()
  end
end

local refused = refused_to_change()
if refused then
  return refused
end
if ARGV[2] == '1' then
  call('HSET', key, 'data', ARGV[3])
end
if wait_ms then
  call('ZREM', delayed, id)
  call('HSET', key, 'delay', ARGV[4])
  delay_until(here, id, now + wait_ms)
  wake_when_due(here)
end
if priority then
  put_anew()
  call('HSET', key, 'priority', ARGV[5])
end
return 1
