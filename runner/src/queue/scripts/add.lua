-- Add jobs, all or none (BullMQ: addStandardJob, addPrioritizedJob,
-- addDelayedJob). The producer's clock plays no part: times are Redis'.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: custom id or '', name, data, options, delay, priority, LPUSH or RPUSH
-- returns  ids in order; that of the known job where a custom id is taken
local call = redis.call
local base = KEYS[1]
local events, delayed, marker, meta = base .. 'events', base .. 'delayed', base .. 'marker', base .. 'meta'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local settings = call('HMGET', meta, 'paused', 'concurrency', 'opts.maxLenEvents', 'version')
local last = call('INCRBY', base .. 'id', #ARGV / 7) - #ARGV / 7
if not settings[3] then
  settings[3] = 10000
  call('HSET', meta, 'opts.maxLenEvents', 10000)
end

local target = base .. 'wait'
if settings[1] then
  -- See settle.lua: BullMQ 5 renames `paused` over `wait` on resume.
  local major = settings[4] and tonumber(string.match(settings[4], '^bullmq:(%d+)'))
  if (major and major < 6) or call('EXISTS', base .. 'paused') == 1 then
    target = base .. 'paused'
  end
end

local ids, ready, later = {}, false, false
for at = 1, #ARGV, 7 do
  last = last + 1
  local id, name, delay, priority = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if id == '' then
    id = string.format('%.0f', last)
  end
  local key = base .. id
  if ARGV[at] ~= '' and call('EXISTS', key) == 1 then
    call('XADD', events, 'MAXLEN', '~', settings[3], '*', 'event', 'duplicated', 'jobId', id)
  else
    call('HSET', key, 'name', name, 'data', ARGV[at + 2], 'opts', ARGV[at + 3], 'timestamp', now,
      'delay', delay, 'priority', priority)
    call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
    if delay > 0 then
      later = true
      local low, high = (now + delay) * 4096, (now + delay + 1) * 4096 - 1
      local newest = call('ZREVRANGEBYSCORE', delayed, high, low, 'WITHSCORES', 'LIMIT', 0, 1)
      local score = newest[2] and math.min(tonumber(newest[2]) + 1, high) or low
      call('ZADD', delayed, score, id)
      call('XADD', events, 'MAXLEN', '~', settings[3], '*', 'event', 'delayed', 'jobId', id, 'delay', now + delay)
    else
      ready = true
      if priority > 0 then
        call('ZADD', base .. 'prioritized', priority * 4294967296 + call('INCR', base .. 'pc') % 4294967296, id)
      else
        call(ARGV[at + 6], target, id)
      end
      call('XADD', events, 'MAXLEN', '~', settings[3], '*', 'event', 'waiting', 'jobId', id)
    end
  end
  ids[#ids + 1] = id
end

if ready and not settings[1] and not (settings[2] and call('LLEN', base .. 'active') >= tonumber(settings[2])) then
  call('ZADD', marker, 0, '0')
end
if later then
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  call('ZADD', marker, tonumber(first[2]) / 4096, '1')
end
return ids
