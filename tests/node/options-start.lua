-- The start of an end: one job, `active` with a lock or `wait`, another one that
-- waits, and three completed and failed ones of different ages.
-- ARGV  base of the queue's keys, id, which end, where, then the job's fields
local base, id, which, place = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, key in ipairs({ 'wait', 'active', 'delayed', 'prioritized', 'completed', 'failed', 'pc', 'marker', id, id .. ':logs' }) do
  call('DEL', base .. key)
end
call('HSET', base .. id, unpack(ARGV, 5))
-- Its first wait is over.
call('HSET', base .. id, 'delay', 0)
if which == 'third' then
  call('HSET', base .. id, 'atm', 2, 'ats', 3, 'stacktrace', '["a","b","c"]')
end
for _, state in ipairs({ 'completed', 'failed' }) do
  for name, age in pairs({ new = 10, old = 1800, oldest = 7200 }) do
    call('ZADD', base .. state, now - age * 1000, state .. name)
    call('HSET', base .. state .. name, 'name', 'n', 'data', '{}', 'opts', '{}', 'timestamp', 1)
  end
end
call('LPUSH', base .. 'wait', 'other')
if place == 'active' then
  call('LPUSH', base .. 'active', id)
  call('SET', base .. id .. ':lock', 'token', 'PX', 30000)
else
  call('RPUSH', base .. 'wait', id)
end
