-- What queues hold and how they fare, for those who watch them.
-- KEYS[1]  a key of their slot
-- ARGV     1 failures that are looked at, of those within the last 5 minutes  then the
--          base of each queue and the `max` of its limiter, or ''
-- returns  now; then for each queue two lists
--   1  waiting, active, delayed, prioritized, waiting-children, completed, failed, 1 if it
--      is paused, the ms since 1970 at which it was or 0, most jobs at once or 0, ms for
--      which it is limited, ms at which the oldest job that waits was added or 0,
--      completed and failed in the last 5 minutes and both in the last one, as far as
--      they are kept
--   2  of those that failed last: ms, reason, plugin, runner, cause, name
local try, floor = redis.pcall, math.floor
local time = redis.call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)
local look = tonumber(ARGV[1])

local function number(value)
  local value = type(value) ~= 'table' and tonumber(value) or 0
  return value == value and floor(math.max(0, math.min(value, 9007199254740991))) or 0
end

local function row(value)
  return type(value) == 'table' and not value.err and value or {}
end

local function added(base, id)
  return id and number(try('HGET', base .. id, 'timestamp')) or 0
end

local function since(set, ms)
  return number(try('ZCOUNT', set, now - ms, '+inf'))
end

local function survey(base, max)
  local meta = row(try('HMGET', base .. 'meta', 'paused', 'runner:paused', 'concurrency', 'max', 'runner:limited'))
  local waiting = number(try('LLEN', base .. 'wait')) + number(try('LLEN', base .. 'paused'))
  local prioritized = number(try('ZCARD', base .. 'prioritized'))
  local limited = 0
  max = tonumber(meta[4] or max) or (meta[5] and 1)
  if max and number(try('GET', base .. 'limiter')) >= max then
    limited = number(try('PTTL', base .. 'limiter'))
  end
  local oldest = 0
  if waiting > 0 then
    local id = try('LINDEX', base .. 'wait', -1) or try('LINDEX', base .. 'paused', -1)
    oldest = type(id) == 'string' and added(base, id) or 0
  end
  if prioritized > 0 then
    local at = added(base, row(try('ZRANGE', base .. 'prioritized', 0, 0))[1])
    oldest = oldest == 0 and at or math.min(oldest, at)
  end
  local numbers = {
    waiting, number(try('LLEN', base .. 'active')), number(try('ZCARD', base .. 'delayed')), prioritized,
    number(try('ZCARD', base .. 'waiting-children')), number(try('ZCARD', base .. 'completed')),
    number(try('ZCARD', base .. 'failed')), meta[1] and 1 or 0, number(meta[2]), number(meta[3]), limited, oldest,
  }
  local done, failures = base .. 'completed', base .. 'failed'
  numbers[13], numbers[14] = since(done, 300000), since(failures, 300000)
  numbers[15] = since(done, 60000) + since(failures, 60000)
  local last = {}
  if numbers[14] > 0 and look > 0 then
    for i, id in ipairs(row(try('ZREVRANGE', failures, 0, look - 1))) do
      local job = row(try('HMGET', base .. id, 'finishedOn', 'failedReason', 'rv', 'pb', 'cause', 'name'))
      last[i] = { number(job[1]), job[2] or '', job[3] or '', job[4] or '', job[5] or '', job[6] or '' }
    end
  end
  return { numbers, last }
end

local answer = { now }
for at = 2, #ARGV, 2 do
  answer[#answer + 1] = survey(ARGV[at], ARGV[at + 1])
end
return answer
