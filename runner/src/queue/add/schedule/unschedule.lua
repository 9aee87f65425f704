-- Remove a scheduler and its next job (BullMQ: removeJobScheduler).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 'declared' to remove it only if a runner declared it
-- returns  1 removed, 0 there was none, or no runner declared it
local id = ARGV[1]
local scheduler = base .. 'repeat:' .. id
if ARGV[2] == 'declared' then
  -- This keeps a runner with an older configuration from bringing it back.
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
