-- Let delayed jobs that are due wait for a worker (BullMQ: promoteDelayedJobs), up to
-- a thousand in one call. `due`: their ids, if they are known.
local function promote(due, runner)
  due = due or call('ZRANGEBYSCORE', delayed, 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
  if not due[1] then
    return
  end
  local at = 0
  local function promote_each()
    for i, id in ipairs(due) do
      local key = base .. id
      local priority = try('HGET', key, 'priority')
      if not priority and not (call('TYPE', key)['ok'] == 'hash' and rarely().names_job(base, id)) then
        rarely().quarantine(id, 'incomplete job: name, data or timestamp is missing', runner)
      elseif type(priority) == 'table' then
        rarely().quarantine_key(id, priority.err, runner)
      else
        priority = priority_of(priority)
        if priority == 0 then
          call('LPUSH', target, id)
        else
          call('ZADD', prioritized, priority_score(base, priority), id)
        end
        at = i
        call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
        call('HSET', key, 'delay', 0)
      end
      at = i
    end
  end
  call('ZREM', delayed, unpack(due))
  local promoted, why = pcall(promote_each)
  if not promoted then
    for i = at + 1, #due do
      call('ZADD', delayed, now * 4096, due[i])
    end
    error(why, 0)
  end
  wake()
end
