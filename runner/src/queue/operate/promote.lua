-- Let delayed jobs wait for a worker now, by their priority (BullMQ: promote).
-- KEYS[1]  base of the queue's keys
-- ARGV     ids
-- returns  for each id: 1 promoted, 0 no such job, -1 it is not delayed
local codes, promoted = {}, false
for _, id in ipairs(ARGV) do
  local key = base .. id
  local code = -1
  if call('TYPE', key)['ok'] ~= 'hash' then
    code = 0
  elseif call('ZREM', delayed, id) == 1 then
    code = 1
    put(here, id, priority_of(call('HGET', key, 'priority')), 'LPUSH')
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    call('HSET', key, 'delay', 0)
    promoted = true
  end
  codes[#codes + 1] = code
end
if promoted then
  wake()
end
return codes
