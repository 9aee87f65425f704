-- Whether a job with a deduplication id is added (BullMQ: deduplicateJob).

-- BullMQ 5 announces it twice, first under the old name.
local major = meta[6] and tonumber(string.match(meta[6], '^bullmq:(%d+)'))
local function tell_deduplicated(deid, kept, dropped)
  if major and major < 6 then
    tell(here, 'debounced', 'jobId', kept, 'debounceId', deid)
  end
  tell(here, 'deduplicated', 'jobId', kept, 'deduplicationId', deid, 'deduplicatedJobId', dropped)
end

-- From now on the job `id` stands for all with the same deduplication id.
local function hold(key, id, de)
  local ttl = tonumber(de['ttl'])
  if ttl and ttl > 0 and not de['keepLastIfActive'] then
    call('SET', key, id, 'PX', ttl)
  else
    call('SET', key, id)
  end
end

-- If the first job is running, this one is added when that has ended, unless another
-- comes later (lib/deduplication.lua). Returns whether it will be.
local function keep_for_later(key, pending, current, id, de, name, data, opts)
  if not (de['keepLastIfActive'] and call('LPOS', active, current)) then
    return false
  end
  call('DEL', pending)
  call('HSET', pending, 'name', name, 'data', data, 'opts', opts, 'jid', id)
  call('PERSIST', key)
  tell_deduplicated(de['id'], current, id)
  return true
end

-- The id of the job that stands for this one, and `kept` when this one is added
-- after it; nil when it is to be added now.
local function deduplicate(id, de, name, data, opts, delay)
  local deid = de['id']
  local key, pending = base .. 'de:' .. deid, base .. 'dn:' .. deid
  local current = call('GET', key)
  if not current then
    hold(key, id, de)
    return nil
  end
  local ttl = tonumber(de['ttl']) or 0
  if de['replace'] and call('ZREM', delayed, current) == 1 then
    remove_job(base .. current)
    call('DEL', pending)
    call('XADD', events, '*', 'event', 'removed', 'jobId', current, 'prev', 'delayed')
    tell_deduplicated(deid, id, current)
    if ttl > 0 and not de['extend'] and not de['keepLastIfActive'] then
      call('SET', key, id, 'KEEPTTL')
    else
      hold(key, id, de)
    end
    return nil
  end
  if call('PTTL', key) == -1 and call('EXISTS', base .. current) == 0 then
    -- The job that held it is gone: nobody else would ever release it.
    call('DEL', pending)
    hold(key, id, de)
    return nil
  end
  if keep_for_later(key, pending, current, id, de, name, data, opts) then
    return current, 'kept'
  end
  if de['replace'] then
    return current
  end
  if ttl > 0 and de['extend'] then
    hold(key, current, de)
  end
  tell_deduplicated(deid, current, id)
  if de['reschedule'] and call('ZSCORE', delayed, current) then
    call('HSET', base .. current, 'delay', delay)
    delay_until(here, current, now + delay)
    wake_when_due(here)
  end
  return current
end
