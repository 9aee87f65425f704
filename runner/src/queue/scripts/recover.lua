-- Put back active jobs that nobody holds (BullMQ: moveStalledJobsToWait). A job
-- that was active without a lock in two checks has stalled; checks of all
-- workers of the queue share one gate.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 stalls a job may have  2 ms between two checks
-- returns  ids put back; nil if the gate is closed
local call, try = redis.call, redis.pcall
local base = KEYS[1]
local stalled, active, events, meta = base .. 'stalled', base .. 'active', base .. 'events', base .. 'meta'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not call('SET', base .. 'stalled-check', now, 'PX', ARGV[2], 'NX') then
  return false
end

local settings = call('HMGET', meta, 'paused', 'concurrency', 'opts.maxLenEvents', 'version')
if not settings[3] then
  settings[3] = 10000
  call('HSET', meta, 'opts.maxLenEvents', 10000)
end
call('XTRIM', events, 'MAXLEN', '~', settings[3])

local target = base .. 'wait'
if settings[1] then
  local major = settings[4] and tonumber(string.match(settings[4], '^bullmq:(%d+)'))
  if (major and major < 6) or call('EXISTS', base .. 'paused') == 1 then
    target = base .. 'paused'
  end
end

local back = {}
for _, id in ipairs(call('SMEMBERS', stalled)) do
  local key = base .. id
  if string.sub(id, 1, 2) == '0:' then
    call('LREM', active, 1, id)
  elseif call('EXISTS', key .. ':lock') == 0 and call('LREM', active, 1, id) > 0 then
    -- A key that is not a hash is counted nowhere; the next take quarantines it.
    local count = try('HINCRBY', key, 'stc', 1)
    if type(count) == 'number' and count > tonumber(ARGV[1]) then
      local scheduler = call('HGET', key, 'rjk')
      local scheduled = scheduler and (call('EXISTS', base .. 'repeat:' .. scheduler) == 1
        or call('ZSCORE', base .. 'repeat', scheduler))
      if not scheduled then
        call('HSET', key, 'defa', 'job stalled more than allowable limit')
      end
    end
    call('RPUSH', target, id)
    if not settings[1] and not (settings[2] and call('LLEN', active) >= tonumber(settings[2])) then
      call('ZADD', base .. 'marker', 0, '0')
    end
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
return back
