-- What most scripts begin with: the keys of the queue whose base is KEYS[1], its
-- settings, the time by Redis' clock, and where a job waits.
local call, try = redis.call, redis.pcall
local floor = math.floor
local base = KEYS[1]
local time = call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)
-- Lua writes a number out in each call of Redis; this one is used in many.
local now_text = string.format('%.0f', now)

local wait, active, events = base .. 'wait', base .. 'active', base .. 'events'
local marker, delayed, prioritized = base .. 'marker', base .. 'delayed', base .. 'prioritized'
local stalled, metakey = base .. 'stalled', base .. 'meta'

-- A count as somebody stored it; nil if it is none.
local function count_of(value)
  local count = tonumber(value)
  return count and count >= 0 and count <= 9007199254740991 and floor(count) or nil
end

-- A priority as somebody stored it. BullMQ's are 0 to 2^21.
local function priority_of(value)
  local priority = tonumber(value)
  if not priority or priority ~= priority then
    return 0
  end
  return math.max(-2097152, math.min(priority, 2097152))
end

local meta = try('HMGET', metakey, 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents', 'version',
  'runner:limited')
local paused = meta[1] and true or false
local cap = count_of(meta[2])

-- The list where jobs without a priority wait. BullMQ 5 has another one for a paused
-- queue and renames it to `wait` on resume: what was pushed to `wait` meanwhile would
-- be lost.
local function waiting_list(queue, meta_paused, version)
  if meta_paused then
    local major = version and tonumber(string.match(version, '^bullmq:(%d+)'))
    if (major and major < 6) or call('EXISTS', queue .. 'paused') == 1 then
      return queue .. 'paused'
    end
  end
  return queue .. 'wait'
end
local target = wait
if paused then
  target = waiting_list(base, true, meta[6])
end

-- Whether no worker may start a job.
local function blocked()
  return paused or (cap ~= nil and call('LLEN', active) >= cap)
end

local function wake()
  if not blocked() then
    call('ZADD', marker, 0, '0')
  end
end

-- The ms at which the first delayed job is due; nil if there is none.
local function next_delayed(set)
  local first = call('ZRANGE', set, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) / 4096
end

-- Score of a job that waits until `at`; jobs of one millisecond keep their order.
local function delayed_score(set, at)
  local low, high = at * 4096, (at + 1) * 4096 - 1
  local last = call('ZREVRANGEBYSCORE', set, high, low, 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then
    return math.min(tonumber(last[2]) + 1, high)
  end
  return low
end

-- Score of a job behind all that have its priority.
local function priority_score(queue, priority)
  return priority * 4294967296 + call('INCR', queue .. 'pc') % 4294967296
end

-- Events a queue keeps; BullMQ stores its default where there is none.
local default_events = 10000
local keep_events = count_of(meta[5])
local function max_events()
  if not keep_events then
    keep_events = default_events
    try('HSET', metakey, 'opts.maxLenEvents', keep_events)
  end
  return keep_events
end
