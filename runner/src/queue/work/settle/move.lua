-- The deduplication of a job that moves: its key goes with it, until then, unless
-- another job there stands for the same id. Whether it did.
local function move_deduplication(queue, copy, id, deid)
  local key = 'de:' .. deid
  if call('GET', base .. key) ~= id then
    return false
  end
  local ttl = call('PTTL', base .. key)
  if ttl > 0 then
    return call('SET', queue .. key, copy, 'NX', 'PX', ttl)
  end
  return call('SET', queue .. key, copy, 'NX')
end

-- A job that goes to another queue: the same name, data, options and parent,
-- waiting anew under an id that names where it comes from. Events as of BullMQ's
-- addStandardJob there; the caller removes it here.
local function move(queue, from, id, job, data, opts)
  local copy = string.gsub(from .. '-' .. id, ':', '-')
  local key = queue .. copy
  if call('EXISTS', key) == 1 then
    return
  end
  local origin = '{"movedFrom":' .. cjson.encode({ queue = from, id = id })
  local rest = string.match(opts, '^%s*{%s*(.*)$') or '}'
  opts = origin .. (string.sub(rest, 1, 1) == '}' and '' or ',') .. rest
  call('INCR', queue .. 'id')
  local settings = try('HMGET', queue .. 'meta', 'paused', 'concurrency', 'version', 'opts.maxLenEvents')
  local max = count_of(settings[4])
  if not max then
    max = 10000
    try('HSET', queue .. 'meta', 'opts.maxLenEvents', max)
  end
  local priority = priority_of(job[6])
  if priority > 0 then
    call('ZADD', queue .. 'prioritized', priority_score(queue, priority), copy)
  else
    call('LPUSH', waiting_list(queue, settings[1], settings[3]), copy)
  end
  local deid = job[4]
  local read, held = pcall(move_deduplication, queue, copy, id, deid or '')
  if deid and not (read and held) then
    deid = nil
    -- Readers take the last of two fields of one name.
    opts = string.gsub(opts, '}%s*$', ',"de":null}')
  end
  call('HSET', key, 'name', job[1], 'data', data, 'timestamp', now_text, 'delay', '0', 'priority', priority,
    'opts', opts)
  if deid then
    call('HSET', key, 'deid', deid)
  end
  local parent = job[2]
  if parent and parent ~= '' and job[3] then
    call('HSET', key, 'parentKey', parent, 'parent', job[3])
    if try('SREM', parent .. ':dependencies', base .. id) == 1 then
      call('SADD', parent .. ':dependencies', key)
    end
  end
  call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', copy, 'name', job[1])
  if not settings[1] and not (settings[2] and call('LLEN', queue .. 'active') >= (count_of(settings[2]) or math.huge)) then
    call('ZADD', queue .. 'marker', 0, '0')
  end
  call('XADD', queue .. 'events', 'MAXLEN', '~', max, '*', 'event', 'waiting', 'jobId', copy)
end
