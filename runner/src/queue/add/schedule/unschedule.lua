-- Remove a scheduler and its next job (BullMQ: removeJobScheduler).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 'declared' to remove it only if a runner declared it
-- returns  1 if it was there and is gone
local id = ARGV[1]
local scheduler = base .. 'repeat:' .. id
if ARGV[2] == 'declared' then
  -- No runner that reads an older file brings it back.
  call('HSET', base .. 'runner:schedules', id, '')
  if not call('HGET', scheduler, 'runner') then
    return 0
  end
end
call('HDEL', base .. 'runner:missed', id)
local score = call('ZSCORE', repeats, id)
if not score then
  return 0
end
remove_run(id, score)
call('ZREM', repeats, id)
call('DEL', scheduler)
return 1
