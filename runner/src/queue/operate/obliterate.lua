-- The end of obliterate: schedulers, so many in one call, then what the queue
-- has besides jobs (BullMQ: obliterate).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 most schedulers to remove
-- returns  1 when nothing is left, 0 when there are jobs or schedulers still
local schedulers = base .. 'repeat'
for _, id in ipairs(call('ZRANGE', schedulers, 0, tonumber(ARGV[1]) - 1)) do
  call('DEL', schedulers .. ':' .. id)
  call('ZREM', schedulers, id)
end
if call('EXISTS', schedulers, wait, base .. 'paused', active, delayed, prioritized, base .. 'waiting-children',
    base .. 'completed', base .. 'failed') > 0 then
  return 0
end
for _, suffix in ipairs({ 'completed', 'failed' }) do
  call('DEL', base .. 'metrics:' .. suffix, base .. 'metrics:' .. suffix .. ':data')
end
call('DEL', events, marker, stalled, metakey, base .. 'stalled-check', base .. 'id', base .. 'pc', base .. 'delay',
  base .. 'limiter')
return 1
