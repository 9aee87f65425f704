-- Move a letter, a job of a dead letter queue, to another queue in one step. Events as
-- of BullMQ's removeJob and addStandardJob.
-- KEYS[1]  base of the keys of the queue it goes to
-- ARGV     1 base of the dead letter queue's keys  2 id of the letter  3 id wanted,
--          or ''  4 options  5 options if it gets that id  6 priority  7 LPUSH or
--          RPUSH  8 attempts that count as made
-- returns  id of the new job; 0 if there is no such letter, -1 if a worker has it
local from, letter = ARGV[1], ARGV[2]
refused = refusal(from)
if refused then
  return refused
end
local source = from .. letter
local job = call('HMGET', source, 'name', 'data')
if not job[1] then
  return 0
end

-- It is added before it is removed: a key of the wrong type stops the script while the
-- letter is still there.
local id = string.format('%.0f', call('INCR', base .. 'id'))
local opts, priority = ARGV[4], tonumber(ARGV[6])
if ARGV[3] ~= '' and call('EXISTS', base .. ARGV[3]) == 0 then
  id, opts = ARGV[3], ARGV[5]
end
put(here, id, priority, ARGV[7])

local prev
for _, list in ipairs({ 'wait', 'paused' }) do
  -- From the end, where the oldest is: it goes first when all are replayed.
  if not prev and call('LREM', from .. list, -1, letter) > 0 then
    prev = list
  end
end
for _, set in ipairs({ 'failed', 'delayed', 'prioritized', 'completed' }) do
  if not prev and call('ZREM', from .. set, letter) > 0 then
    prev = set
  end
end
if not prev then
  if priority > 0 then
    call('ZREM', prioritized, id)
  else
    call('LREM', target, ARGV[7] == 'LPUSH' and 1 or -1, id)
  end
  return -1
end

local key = base .. id
call('HSET', key, 'name', job[1], 'data', job[2] or 'null', 'opts', opts, 'timestamp', now, 'delay', 0,
  'priority', priority)
if ARGV[8] ~= '0' then
  call('HSET', key, 'atm', ARGV[8])
end
call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', job[1])
offer(here, id)

remove_job(source)
tell(queue_at(from), 'removed', 'jobId', letter, 'prev', prev)
return id
