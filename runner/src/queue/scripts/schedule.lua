-- Add the next job of a scheduler when one of its jobs starts (BullMQ:
-- updateJobScheduler), once, whoever starts it and however often.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 ms of the job that starts  3 ms of the next  4 its options
--          5 its delay  6 its priority  7 LPUSH or RPUSH  8 deduplication id or ''
-- returns  the id of the next job; nil if the scheduler is gone or has gone on
local id, at = ARGV[1], ARGV[3]
local scheduler = base .. 'repeat:' .. id
local score = call('ZSCORE', base .. 'repeat', id)
if not score or tonumber(score) ~= tonumber(ARGV[2]) then
  return false
end
local next_id = 'repeat:' .. id .. ':' .. at
local key = base .. next_id
if call('EXISTS', key) == 1 then
  call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'duplicated', 'jobId', next_id)
  return false
end
local template = call('HMGET', scheduler, 'name', 'data')
local name = template[1] or ''
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
  local due = now + delay
  call('ZADD', delayed, delayed_score(delayed, due), next_id)
  call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'delayed', 'jobId', next_id, 'delay', due)
  call('ZADD', marker, next_delayed(delayed), '1')
else
  if priority > 0 then
    call('ZADD', prioritized, priority_score(base, priority), next_id)
  else
    call(ARGV[7], target, next_id)
  end
  wake()
  call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'waiting', 'jobId', next_id)
end
return next_id
