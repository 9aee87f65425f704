-- Remove what a queue has besides jobs: its schedulers, then, if no job is left, its
-- other keys (the end of BullMQ's obliterate).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 most schedulers to remove in this call
-- returns  1 if nothing is left, 0 if there still are jobs or schedulers
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
