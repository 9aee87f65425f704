-- Move a job out of a dead letter queue: it is added to another queue and removed
-- here in one step. Events as of BullMQ's removeJob and addStandardJob.
-- KEYS[1]  base of the queue it goes to
-- ARGV     1 base of the dead letter queue  2 id there  3 id wanted or ''
--          4 options  5 options with that id  6 priority  7 LPUSH or RPUSH
--          8 attempts that count as made
-- returns  id of the new job; 0 when there is no such letter, -1 when a worker
--          has it
local from, letter = ARGV[1], ARGV[2]
for _, it in ipairs(faulty(from, queue_keys)) do
  return redis.error_reply('WRONGTYPE the key ' .. it[1] .. ' ' .. it[2] .. ': rename it or remove it')
end
local source = from .. letter
local job = call('HMGET', source, 'name', 'data')
if not job[1] then
  return 0
end

-- Added before it is removed: a key of the wrong type stops the script where the
-- letter is still what it was.
local id = string.format('%.0f', call('INCR', base .. 'id'))
local opts, priority = ARGV[4], tonumber(ARGV[6])
if ARGV[3] ~= '' and call('EXISTS', base .. ARGV[3]) == 0 then
  id, opts = ARGV[3], ARGV[5]
end
if priority > 0 then
  call('ZADD', prioritized, priority_score(base, priority), id)
else
  call(ARGV[7], target, id)
end

local prev
for _, list in ipairs({ 'wait', 'paused' }) do
  -- The oldest is at the end, and goes first when all are replayed.
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
wake()
call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'waiting', 'jobId', id)

call('DEL', source, source .. ':logs', source .. ':dependencies', source .. ':processed', source .. ':failed',
  source .. ':unsuccessful')
local most = count_of(call('HGET', from .. 'meta', 'opts.maxLenEvents')) or 10000
call('XADD', from .. 'events', 'MAXLEN', '~', most, '*', 'event', 'removed', 'jobId', letter, 'prev', prev)
return id
