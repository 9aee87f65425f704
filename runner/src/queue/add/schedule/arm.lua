-- Give a scheduler its next job: because it is declared, new or changed (BullMQ:
-- addJobScheduler), or because it lost that job.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 ms of its next job as it is now, '' if there is no scheduler
--          3 ms of the new one  4 its options  5 its delay in ms  6 its priority
--          7 LPUSH or RPUSH  8 deduplication id or ''  9 runs that were missed
--          10 digest of the declared schedule, '' if the scheduler lost its next job
--          11 … fields and values of the scheduler's hash, if it is declared
-- returns  the id of the job; nil if the scheduler has changed meanwhile; 'foreign' if
--          no runner declared it; 'taken' if a job has that id
local id, at, digest = ARGV[1], ARGV[3], ARGV[10]
local scheduler = base .. 'repeat:' .. id
local score = call('ZSCORE', repeats, id)
if (score or '') ~= ARGV[2] then
  return false
end
local name, data
if digest == '' then
  if not score or run_state(id, score, 0) ~= 'lost' then
    return false
  end
  if at ~= score then
    if call('EXISTS', base .. run_of(id, at)) == 1 then
      return 'taken'
    end
    call('HINCRBY', scheduler, 'ic', 1)
  end
  local template = call('HMGET', scheduler, 'name', 'data')
  name, data = template[1] or '', template[2] or '{}'
else
  if score and not call('HGET', scheduler, 'runner') then
    return 'foreign'
  end
  if score then
    remove_run(id, score)
  end
  if call('EXISTS', base .. run_of(id, at)) == 1 then
    return 'taken'
  end
  call('DEL', scheduler)
  call('HSET', scheduler, unpack(ARGV, 11))
  call('HDEL', base .. 'runner:missed', id)
  call('HSET', base .. 'runner:schedules', id, digest)
  local template = call('HMGET', scheduler, 'name', 'data')
  name, data = template[1], template[2] or '{}'
end
call('ZADD', repeats, at, id)
if ARGV[9] ~= '0' then
  call('HINCRBY', base .. 'runner:missed', id, ARGV[9])
end
return add_run(id, 'repeat:' .. id, at, name, data, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8])
