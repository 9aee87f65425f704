-- Add jobs, all or none (BullMQ: addStandardJob, addPrioritizedJob,
-- addDelayedJob). The producer's clock plays no part: times are Redis'.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: custom id or '', name, data, options, delay, priority, LPUSH or RPUSH
-- returns  ids in order; that of the known job where a custom id is taken
local last = call('INCRBY', base .. 'id', #ARGV / 7) - #ARGV / 7
local ids, ready, later = {}, false, false
for at = 1, #ARGV, 7 do
  last = last + 1
  local id, name, delay, priority = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if id == '' then
    id = string.format('%.0f', last)
  end
  local key = base .. id
  if ARGV[at] ~= '' and call('EXISTS', key) == 1 then
    call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'duplicated', 'jobId', id)
  else
    call('HSET', key, 'name', name, 'data', ARGV[at + 2], 'opts', ARGV[at + 3], 'timestamp', now,
      'delay', delay, 'priority', priority)
    call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
    if delay > 0 then
      later = true
      call('ZADD', delayed, delayed_score(delayed, now + delay), id)
      call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'delayed', 'jobId', id, 'delay', now + delay)
    else
      ready = true
      if priority > 0 then
        call('ZADD', prioritized, priority_score(base, priority), id)
      else
        call(ARGV[at + 6], target, id)
      end
      call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'waiting', 'jobId', id)
    end
  end
  ids[#ids + 1] = id
end

if ready then
  wake()
end
if later then
  call('ZADD', marker, next_delayed(delayed), '1')
end
return ids
