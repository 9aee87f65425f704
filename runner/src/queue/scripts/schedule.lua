-- Add the next job of a scheduler when one of its jobs starts (BullMQ:
-- updateJobScheduler), once, whoever starts it and however often.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 ms of the job that starts  3 ms of the next  4 its options
--          5 its delay  6 its priority  7 LPUSH or RPUSH  8 deduplication id or ''
-- returns  the id of the next job; nil if the scheduler is gone or has gone on
local call = redis.call
local base, id, at = KEYS[1], ARGV[1], ARGV[3]
local events, scheduler = base .. 'events', base .. 'repeat:' .. ARGV[1]
local score = call('ZSCORE', base .. 'repeat', id)
if not score or tonumber(score) ~= tonumber(ARGV[2]) then
  return false
end
local meta = call('HMGET', base .. 'meta', 'paused', 'concurrency', 'opts.maxLenEvents', 'version')
local keep = meta[3] or 10000
if not meta[3] then
  call('HSET', base .. 'meta', 'opts.maxLenEvents', keep)
end
local next_id = 'repeat:' .. id .. ':' .. at
local key = base .. next_id
if call('EXISTS', key) == 1 then
  call('XADD', events, 'MAXLEN', '~', keep, '*', 'event', 'duplicated', 'jobId', next_id)
  return false
end
local template = call('HMGET', scheduler, 'name', 'data')
local name = template[1] or ''
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
call('ZADD', base .. 'repeat', at, id)
call('HINCRBY', scheduler, 'ic', 1)
call('INCR', base .. 'id')
local delay, priority = tonumber(ARGV[5]), tonumber(ARGV[6])
call('HSET', key, 'name', name, 'data', template[2] or '{}', 'opts', ARGV[4], 'timestamp', now,
  'delay', delay, 'priority', priority, 'rjk', id)
if ARGV[8] ~= '' then
  call('HSET', key, 'deid', ARGV[8])
end
call('XADD', events, '*', 'event', 'added', 'jobId', next_id, 'name', name)
if delay > 0 then
  local low, high = (now + delay) * 4096, (now + delay + 1) * 4096 - 1
  local newest = call('ZREVRANGEBYSCORE', base .. 'delayed', high, low, 'WITHSCORES', 'LIMIT', 0, 1)
  call('ZADD', base .. 'delayed', newest[2] and math.min(tonumber(newest[2]) + 1, high) or low, next_id)
  call('XADD', events, 'MAXLEN', '~', keep, '*', 'event', 'delayed', 'jobId', next_id, 'delay', now + delay)
  local first = call('ZRANGE', base .. 'delayed', 0, 0, 'WITHSCORES')
  call('ZADD', base .. 'marker', tonumber(first[2]) / 4096, '1')
else
  if priority > 0 then
    local count = call('INCR', base .. 'pc')
    call('ZADD', base .. 'prioritized', priority * 4294967296 + count % 4294967296, next_id)
  else
    local target = base .. 'wait'
    if meta[1] then
      local major = meta[4] and tonumber(string.match(meta[4], '^bullmq:(%d+)'))
      if (major and major < 6) or call('EXISTS', base .. 'paused') == 1 then
        target = base .. 'paused'
      end
    end
    call(ARGV[7], target, next_id)
  end
  if not meta[1] and not (meta[2] and call('LLEN', base .. 'active') >= tonumber(meta[2])) then
    call('ZADD', base .. 'marker', 0, '0')
  end
  call('XADD', events, 'MAXLEN', '~', keep, '*', 'event', 'waiting', 'jobId', next_id)
end
return next_id
