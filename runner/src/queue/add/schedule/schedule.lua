-- Add the next job of a scheduler before one of its jobs starts (BullMQ:
-- updateJobScheduler). It is added once, whoever starts the job and however often.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 scheduler  2 the job that starts  3 its ms  4 ms of the next one  5 options
--          of that  6 its delay in ms  7 its priority  8 LPUSH or RPUSH
--          9 deduplication id or ''  10 runs that were missed  11 name and 12 data of
--          the job that starts, as it was taken  13 its token
-- returns  whether the lock of the job that starts is still ours (1, 0); the id of the
--          next job, '' if the scheduler is gone or already has one
local id, at = ARGV[1], ARGV[4]
local scheduler = base .. 'repeat:' .. id
local ours = call('GET', base .. ARGV[2] .. ':lock') == ARGV[13] and 1 or 0
local score = call('ZSCORE', repeats, id)
if not score or tonumber(score) ~= tonumber(ARGV[3]) then
  return { ours, '' }
end
-- The id of the next job differs in its time only.
local runs = string.match(ARGV[2], '^(.*):')
local next_id = runs .. ':' .. at
if call('EXISTS', base .. next_id) == 1 then
  tell(here, 'duplicated', 'jobId', next_id)
  return { ours, '' }
end
local template = call('HMGET', scheduler, 'name', 'data', 'ic')
call('ZADD', repeats, at, id)
local name, data = template[1], template[2] or '{}'
if template[3] then
  call('HINCRBY', scheduler, 'ic', 1)
else
  -- A repeatable job of an older BullMQ: the job itself says what is repeated, and its
  -- hash may be gone.
  name, data = ARGV[11], ARGV[12]
end
if ARGV[10] ~= '0' then
  call('HINCRBY', base .. 'runner:missed', id, ARGV[10])
end
return { ours, add_run(id, runs, at, name or ARGV[11], data, ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8],
  ARGV[9]) }
