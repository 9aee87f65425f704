-- Delayed jobs whose time has come wait from now on (BullMQ: promoteDelayedJobs),
-- a bounded number in one call. `due`: their ids, if they are known.
local function promote(due, runner)
  due = due or call('ZRANGEBYSCORE', delayed, 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
  if not due[1] then
    return
  end
  call('ZREM', delayed, unpack(due))
  for _, id in ipairs(due) do
    local key = base .. id
    local priority = try('HGET', key, 'priority')
    if type(priority) == 'table' then
      quarantine(id, 'the key of the job is not a hash', runner)
    else
      priority = tonumber(priority) or 0
      if priority == 0 then
        call('LPUSH', target, id)
      else
        call('ZADD', prioritized, priority_score(base, priority), id)
      end
      call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
      call('HSET', key, 'delay', 0)
    end
  end
  wake()
end
