-- Deduplication at the end of a job (BullMQ: removeDeduplicationKeyIfNeededOnFinalization,
-- requeueDeduplicatedJob).

-- Add the last job that came while the one that ends was running (keepLastIfActive).
local function add_deduplicated(deid)
  local from = base .. 'dn:' .. deid
  local spec = call('HMGET', from, 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk', 'jid')
  if not spec[1] then
    return
  end
  local id = call('INCR', base .. 'id') .. ''
  id = spec[8] or id
  local key, opts = base .. id, cjson.decode(spec[3])
  local de = type(opts['de']) == 'table' and opts['de'] or nil
  local ttl = de and not de['keepLastIfActive'] and count_of(de['ttl'])
  if ttl and ttl > 0 then
    call('SET', base .. 'de:' .. deid, id, 'PX', ttl)
  else
    call('SET', base .. 'de:' .. deid, id)
  end
  local delay, priority = count_of(opts['delay']) or 0, priority_of(opts['priority'])
  local fields = { 'name', spec[1], 'data', spec[2], 'opts', cjson.encode(opts), 'timestamp', now,
    'delay', delay, 'priority', priority }
  local function also(name, value)
    if value then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  if spec[4] then
    also('parentKey', spec[4])
    also('parent', spec[5])
  end
  also('rjk', spec[7])
  also('deid', de and de['id'])
  call('HSET', key, unpack(fields))
  call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', spec[1])
  enqueue(here, id, delay > 0 and now + delay, math.max(priority, 0), opts['lifo'] and 'RPUSH' or 'LPUSH')
  if spec[6] then
    call('SADD', spec[6], key)
  end
  call('DEL', from)
end

-- Free a deduplication id that this job stood for.
local function release(deid, id)
  local key = base .. 'de:' .. deid
  local ttl = call('PTTL', key)
  if ttl == 0 or (ttl == -1 and call('GET', key) == id) then
    call('DEL', key)
  end
  add_deduplicated(deid)
end

-- The same; if what is stored of the deduplication cannot be read, it is put aside.
local function release_deduplication(deid, id)
  local released, why = pcall(release, deid, id)
  if not released then
    for _, key in ipairs({ base .. 'de:' .. deid, base .. 'dn:' .. deid }) do
      if call('EXISTS', key) == 1 then
        call('RENAME', key, key .. ':corrupt')
      end
    end
    troubles[#troubles + 1] = 'the deduplication ' .. deid .. ' was put aside as ' .. base .. 'de:' .. deid .. ':corrupt and '
      .. base .. 'dn:' .. deid .. ':corrupt: ' .. text_of(why)
  end
end
