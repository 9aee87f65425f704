-- Put back active jobs that nobody holds (BullMQ: moveStalledJobsToWait). A job that
-- is active without a lock in two checks has stalled. All workers of the queue share
-- the checks.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 stalls a job may have  2 ms between two checks
-- returns  ids put back; what was found and mended; nil if it is not time to check
if not call('SET', base .. 'stalled-check', now, 'PX', ARGV[2], 'NX') then
  if call('PTTL', base .. 'stalled-check') == -1 then
    call('PEXPIRE', base .. 'stalled-check', ARGV[2])
  end
  return false
end

mend_queue(base)
call('XTRIM', events, 'MAXLEN', '~', max_events())

-- A lock that would never expire is given an end.
local function is_locked(key)
  local lock = key .. ':lock'
  local ttl = call('PTTL', lock)
  if ttl == -1 and call('TYPE', lock)['ok'] ~= 'string' then
    call('DEL', lock)
    return false
  elseif ttl == -1 then
    call('PEXPIRE', lock, ARGV[2])
  end
  return ttl ~= -2
end

local back = {}
for _, id in ipairs(call('SMEMBERS', stalled)) do
  local key = base .. id
  if string.sub(id, 1, 2) == '0:' and call('EXISTS', key) == 0 then
    call('LREM', active, 1, id)
  elseif not is_locked(key) and call('LREM', active, 1, id) > 0 then
    -- A key that is not a hash cannot count; the next take quarantines it.
    if count_up(key, 'stc') > tonumber(ARGV[1]) then
      local scheduler = call('HGET', key, 'rjk')
      local scheduled = scheduler and (call('EXISTS', base .. 'repeat:' .. scheduler) == 1
        or call('ZSCORE', base .. 'repeat', scheduler))
      if not scheduled then
        call('HSET', key, 'defa', 'job stalled more than allowable limit')
      end
    end
    call('RPUSH', target, id)
    wake()
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
    call('XADD', events, '*', 'event', 'stalled', 'jobId', id)
    back[#back + 1] = id
  end
end

call('DEL', stalled)
local ids = call('LRANGE', active, 0, -1)
for from = 1, #ids, 5000 do
  call('SADD', stalled, unpack(ids, from, math.min(from + 4999, #ids)))
end
return { back, troubles }
