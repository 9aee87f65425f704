-- Let parked jobs wait again whatever their gates say: the queue has no gates any
-- more, or the jobs are to be where they would be without them.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 most jobs in this call
-- returns  whether some are left (1, 0), how many wait again
local own = base .. 'runner:'
local left = tonumber(ARGV[1])
local freed = 0

local function unpark(id, place)
  local there = is_parked(id)
  call('HDEL', parked_jobs, id)
  if there then
    call('ZREM', delayed, id)
    local key = base .. id
    put_first(id, priority_of(try('HGET', key, 'priority')), place)
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    try('HSET', key, 'delay', 0)
    freed = freed + 1
  end
end

-- From the last to the first, so that the first ends up in front.
while left > 0 do
  local name = call('ZRANGE', own .. 'gates', 0, 0)[1]
  if not name then
    break
  end
  local parked = own .. 'parked:' .. name
  local ids = call('ZRANGE', parked, -left, -1)
  local before = call('ZCARD', parked) - #ids
  for i = #ids, 1, -1 do
    unpark(ids[i], before + i - 1)
  end
  call('ZREMRANGEBYRANK', parked, -left, -1)
  left = left - #ids
  if call('EXISTS', parked) == 0 then
    call('ZREM', own .. 'gates', name)
  end
end
local some = call('EXISTS', own .. 'gates')
if some == 0 then
  call('DEL', parked_jobs)
end
if freed > 0 then
  call('XTRIM', events, 'MAXLEN', '~', max_events())
  wake()
end
return { some, freed }
