-- What the end of a job left behind, as JSON.
-- ARGV  base of the queue's keys, id
local base, id = ARGV[1], ARGV[2]
local call = redis.call
local function list(items)
  return #items > 0 and items or cjson.null
end
local function set(name)
  local items = call('ZRANGE', base .. name, 0, -1)
  table.sort(items)
  return list(items)
end
local job = call('HMGET', base .. id, 'atm', 'delay', 'failedReason', 'returnvalue', 'stacktrace')
for i = 1, 5 do
  job[i] = job[i] or cjson.null
end
return cjson.encode({
  made = job[1], delay = job[2], reason = job[3], value = job[4], traces = job[5],
  wait = list(call('LRANGE', base .. 'wait', 0, -1)),
  active = list(call('LRANGE', base .. 'active', 0, -1)),
  prioritized = list(call('ZRANGE', base .. 'prioritized', 0, -1, 'WITHSCORES')),
  delayed = set('delayed'), completed = set('completed'), failed = set('failed'),
  logs = list(call('LRANGE', base .. id .. ':logs', 0, -1)),
})
