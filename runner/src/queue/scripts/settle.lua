-- Write how attempts ended, then take up to n jobs: the worker's whole round in
-- one call. Same keys, fields and events as BullMQ's moveToFinished, retryJob,
-- moveToDelayed, moveJobFromActiveToWait and moveToActive; what a batch needs
-- only once is done once.
--
-- KEYS[1]  base of the queue's keys, `bull:orders:`
-- ARGV     1 token of the jobs taken  2 lock, ms  3 jobs wanted  4 runner
--          5 limiter max or ''  6 limiter duration, ms, or ''  7 ends, then per
--          end: op, id, token, value, a, b, c, attempts, progress, keep logs,
--          count of logs, count of fields, logs…, fields…
--   op     c completed   value = return value, a/b/c = keep count/age/limit
--          f failed      value = reason,       a/b/c = keep count/age/limit
--          r retry now   a = LPUSH or RPUSH
--          d delayed     a = delay, ms, b = 1 if the attempt counts
--          b back        to the front, the attempt does not count
-- returns  codes of the ends, jobs, paused, ms limited for, ms to the next
--          delayed job or -1, now, quarantined ids with their reasons
--   code   1 completed 2 failed 3 waiting 4 prioritized 5 delayed
--          6 waiting-children -1 gone -2 lock lost -9 has failed children

local call, try = redis.call, redis.pcall
local floor = math.floor
local base = KEYS[1]
local token, lock_ms, want, runner = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ends = tonumber(ARGV[7])

local time = call('TIME')
local now = time[1] * 1000 + floor(time[2] / 1000)

local wait, active, events = base .. 'wait', base .. 'active', base .. 'events'
local marker, delayed, prioritized = base .. 'marker', base .. 'delayed', base .. 'prioritized'
local stalled, metakey = base .. 'stalled', base .. 'meta'

local meta = call('HMGET', metakey, 'paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents', 'version')
local paused = meta[1] and true or false
local cap = tonumber(meta[2])

-- BullMQ 5 keeps jobs of a paused queue in a list of their own and renames it
-- over `wait` on resume: whatever is pushed to `wait` meanwhile would be lost.
local function waiting_list(queue, meta_paused, version)
  if meta_paused then
    local major = version and tonumber(string.match(version, '^bullmq:(%d+)'))
    if (major and major < 6) or call('EXISTS', queue .. 'paused') == 1 then
      return queue .. 'paused'
    end
  end
  return queue .. 'wait'
end
local target = wait
if paused then
  target = waiting_list(base, true, meta[6])
end

local function blocked()
  return paused or (cap ~= nil and call('LLEN', active) >= cap)
end

local function wake()
  if not blocked() then
    call('ZADD', marker, 0, '0')
  end
end

local function next_delayed(set)
  local first = call('ZRANGE', set, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2]) / 4096
end

-- Score of a job that waits until `at`; jobs of one millisecond keep their order.
local function delayed_score(set, at)
  local low, high = at * 4096, (at + 1) * 4096 - 1
  local last = call('ZREVRANGEBYSCORE', set, high, low, 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then
    return math.min(tonumber(last[2]) + 1, high)
  end
  return low
end

local function priority_score(queue, priority)
  return priority * 4294967296 + call('INCR', queue .. 'pc') % 4294967296
end

local keep_events = meta[5]
local function max_events()
  if not keep_events then
    keep_events = 10000
    call('HSET', metakey, 'opts.maxLenEvents', keep_events)
  end
  return keep_events
end

local function remove_keys(key)
  call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end

-- A parent, in this or another queue, goes on: `queue` is its base with colon.
local function parent_to_wait(queue, id, key, delay)
  local settings = call('HMGET', queue .. 'meta', 'paused', 'concurrency', 'version')
  local attributes = call('HMGET', key, 'priority')
  local priority = tonumber(attributes[1]) or 0
  if delay and delay > 0 then
    local at = now + delay
    call('ZADD', queue .. 'delayed', at * 4096, id)
    call('XADD', queue .. 'events', '*', 'event', 'delayed', 'jobId', id, 'delay', at)
    call('ZADD', queue .. 'marker', next_delayed(queue .. 'delayed'), '1')
    return
  end
  if priority == 0 then
    call('RPUSH', waiting_list(queue, settings[1], settings[3]), id)
  else
    call('ZADD', queue .. 'prioritized', priority_score(queue, priority), id)
  end
  if not settings[1] and not (settings[2] and call('LLEN', queue .. 'active') >= tonumber(settings[2])) then
    call('ZADD', queue .. 'marker', 0, '0')
  end
  call('XADD', queue .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

local function release_parent(queue, id, key)
  if call('EXISTS', key) == 1 and call('ZREM', queue .. 'waiting-children', id) == 1 then
    parent_to_wait(queue, id, key, tonumber(call('HGET', key, 'delay')))
  end
end

-- A removed child no longer holds its parent back.
local function forget_child(child, parent)
  if call('SREM', parent .. ':dependencies', child) == 1 and call('SCARD', parent .. ':dependencies') == 0 then
    local id = string.match(parent, '.*:(.*)')
    local queue = string.sub(parent, 1, #parent - #id)
    if call('ZREM', queue .. 'waiting-children', id) == 1 then
      parent_to_wait(queue, id, parent, nil)
    end
  end
end

local function child_completed(parent, queue, id, child, value)
  if call('SREM', parent .. ':dependencies', child) == 1 then
    call('HSET', parent .. ':processed', child, value)
    if call('SCARD', parent .. ':dependencies') == 0 then
      release_parent(queue, id, parent)
    end
  end
end

-- What a failed child does to its parent is the child's policy: fail it,
-- continue it at once, ignore or forget the dependency; without one it waits.
local function child_failed(raw, child, reason)
  local ok, policy = pcall(cjson.decode, raw)
  if not ok or type(policy) ~= 'table' or not policy['queueKey'] or not policy['id'] then
    return
  end
  local queue, id = policy['queueKey'] .. ':', policy['id']
  local parent = queue .. id
  local fail, continue = policy['fpof'], policy['cpof']
  local ignore, forget = policy['idof'], policy['rdof']
  if not (fail or continue or ignore or forget) then
    return
  end
  if call('SREM', parent .. ':dependencies', child) ~= 1 then
    return
  end
  if fail then
    call('ZADD', parent .. ':unsuccessful', now, child)
    if call('EXISTS', parent) == 0 then
      return
    end
    local why = 'child ' .. child .. ' failed'
    if call('ZREM', queue .. 'waiting-children', id) == 1 then
      call('HSET', parent, 'defa', why)
      parent_to_wait(queue, id, parent, tonumber(call('HGET', parent, 'delay')))
    elseif call('ZREM', queue .. 'delayed', id) == 1 then
      call('HSET', parent, 'delay', 0, 'defa', why)
      parent_to_wait(queue, id, parent, nil)
    elseif not call('ZSCORE', queue .. 'failed', id) then
      call('HSET', parent, 'defa', why)
    end
  elseif continue then
    call('HSET', parent .. ':failed', child, reason)
    release_parent(queue, id, parent)
  else
    if call('SCARD', parent .. ':dependencies') == 0 then
      release_parent(queue, id, parent)
    end
    if ignore then
      call('HSET', parent .. ':failed', child, reason)
    end
  end
end

-- The last job that came while this one was running (keepLastIfActive) is due.
local function add_deduplicated(deid)
  local from = base .. 'dn:' .. deid
  local spec = call('HMGET', from, 'name', 'data', 'opts', 'pk', 'pd', 'pdk', 'rjk', 'jid')
  if not spec[1] then
    return
  end
  local id = call('INCR', base .. 'id') .. ''
  id = spec[8] or id
  local key, opts = base .. id, cjson.decode(spec[3])
  local de = opts['de']
  local ttl = de and not de['keepLastIfActive'] and tonumber(de['ttl'])
  if ttl and ttl > 0 then
    call('SET', base .. 'de:' .. deid, id, 'PX', ttl)
  else
    call('SET', base .. 'de:' .. deid, id)
  end
  local delay, priority = tonumber(opts['delay']) or 0, tonumber(opts['priority']) or 0
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
  if delay ~= 0 then
    local at = now + math.max(delay, 0)
    call('ZADD', delayed, delayed_score(delayed, at), id)
    call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'delayed', 'jobId', id, 'delay', at)
    call('ZADD', marker, next_delayed(delayed), '1')
  else
    if priority > 0 then
      call('ZADD', prioritized, priority_score(base, priority), id)
    else
      call(opts['lifo'] and 'RPUSH' or 'LPUSH', target, id)
    end
    wake()
    call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'waiting', 'jobId', id)
  end
  if spec[6] then
    call('SADD', spec[6], key)
  end
  call('DEL', from)
end

local function release_deduplication(deid, id)
  local key = base .. 'de:' .. deid
  local ttl = call('PTTL', key)
  if ttl == 0 or (ttl == -1 and call('GET', key) == id) then
    call('DEL', key)
  end
  add_deduplicated(deid)
end

local function remove_finished(ids)
  for _, id in ipairs(ids) do
    local key = base .. id
    local parent = try('HGET', key, 'parentKey')
    if type(parent) == 'string' and parent ~= '' and call('EXISTS', parent) == 1 then
      forget_child(key, parent)
    end
    remove_keys(key)
  end
end

local function keep(set, count, age, limit)
  if age then
    local before = now - age * 1000
    local old = call('ZREVRANGEBYSCORE', set, before, '-inf', 'LIMIT', 0, limit)
    remove_finished(old)
    for from = 1, #old, 5000 do
      call('ZREM', set, unpack(old, from, math.min(from + 4999, #old)))
    end
  end
  if count and count > 0 then
    remove_finished(call('ZREVRANGE', set, count, -1))
    call('ZREMRANGEBYRANK', set, 0, -(count + 1))
  end
end

-- A job that cannot be run as it is stored goes to `failed` with the reason;
-- a key that is not a hash is kept under `<id>:corrupt`.
local quarantined = {}
local function quarantine(id, reason)
  local key = base .. id
  local kind = call('TYPE', key)['ok']
  if kind ~= 'hash' and kind ~= 'none' then
    call('RENAME', key, key .. ':corrupt')
  end
  call('DEL', key .. ':lock')
  call('SREM', stalled, id)
  call('LREM', active, -1, id)
  local deid = call('HGET', key, 'deid')
  if deid then
    release_deduplication(deid, id)
  end
  call('HSETNX', key, 'name', '')
  call('HSETNX', key, 'data', 'null')
  call('HSETNX', key, 'opts', '{}')
  call('HSETNX', key, 'timestamp', now)
  call('HSET', key, 'failedReason', reason, 'finishedOn', now, 'pb', runner)
  call('ZADD', base .. 'failed', now, id)
  call('XADD', events, '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
  quarantined[#quarantined + 1] = id
  quarantined[#quarantined + 1] = reason
end

-- Ends ----------------------------------------------------------------------

local codes = {}
local finished = 0
local any_delayed = false

-- Keep policies run once per row of ends with the same one.
local policy_set, policy_count, policy_age, policy_limit
local function apply_policy()
  if policy_set and (policy_age or (policy_count and policy_count > 0)) then
    keep(policy_set, policy_count, policy_age, policy_limit)
  end
  policy_set = nil
end

if ends > 0 then
  local at, starts, locks, children, c = 8, {}, {}, {}, 0
  for i = 1, ends do
    starts[i] = at
    local key = base .. ARGV[at + 1]
    locks[i] = key .. ':lock'
    if ARGV[at] == 'c' then
      children[c + 1] = key .. ':dependencies'
      children[c + 2] = key .. ':unsuccessful'
      c = c + 2
    end
    at = at + 12 + tonumber(ARGV[at + 10]) + tonumber(ARGV[at + 11])
  end
  local held = call('MGET', unpack(locks))
  local no_children = c == 0 or call('EXISTS', unpack(children)) == 0
  call('XTRIM', events, 'MAXLEN', '~', max_events())

  -- Locks and stall marks of all that are ours, at once.
  local free, ours = {}, {}

  for i = 1, ends do
    local s = starts[i]
    local op, id = ARGV[s], ARGV[s + 1]
    local key = base .. id
    local code
    local job = held[i] == ARGV[s + 2] and
        try('HMGET', key, 'name', 'parentKey', 'parent', 'deid', 'atm', 'priority')
    if not job then
      code = -2
    elseif job.err then
      code = 2
      quarantine(id, 'the key of the job is not a hash')
    elseif not job[1] then
      code = -1
      call('DEL', key .. ':lock')
      call('LREM', active, -1, id)
    else
      local target_code
      if op == 'c' and not no_children then
        if call('SCARD', key .. ':dependencies') > 0 then
          op = 'w'
        elseif call('ZCARD', key .. ':unsuccessful') > 0 then
          target_code = -9
        end
      end
      if target_code then
        code = target_code
      elseif call('LREM', active, -1, id) == 0 then
        -- Not active although the lock is ours: somebody moved it by hand.
        code = -2
        call('DEL', key .. ':lock')
      else
        free[#free + 1] = key .. ':lock'
        ours[#ours + 1] = id

        local progress, logs, fields = ARGV[s + 8], tonumber(ARGV[s + 10]), tonumber(ARGV[s + 11])
        if progress ~= '' then
          call('HSET', key, 'progress', progress)
          call('XADD', events, '*', 'event', 'progress', 'jobId', id, 'data', progress)
        end
        if logs > 0 then
          call('RPUSH', key .. ':logs', unpack(ARGV, s + 12, s + 11 + logs))
          call('LTRIM', key .. ':logs', -tonumber(ARGV[s + 9]), -1)
        end
        local first, last = s + 12 + logs, s + 11 + logs + fields

        local value = ARGV[s + 3]
        local made = (tonumber(job[5]) or 0) + 1
        if op == 'c' or op == 'f' then
          finished = finished + 1
          code = op == 'c' and 1 or 2
          local parent = job[2] or ''
          if job[4] then
            release_deduplication(job[4], id)
          end
          if op == 'c' then
            if parent ~= '' then
              local parent_id = string.match(parent, '.*:(.*)')
              child_completed(parent, string.sub(parent, 1, #parent - #parent_id), parent_id, key, value)
            end
          elseif job[3] then
            child_failed(job[3], key, value)
          end
          local state = op == 'c' and 'completed' or 'failed'
          local name = op == 'c' and 'returnvalue' or 'failedReason'
          local count, age, limit = tonumber(ARGV[s + 4]), tonumber(ARGV[s + 5]), tonumber(ARGV[s + 6]) or 1000
          local set = base .. state
          if count == 0 then
            remove_keys(key)
            if parent ~= '' then
              forget_child(key, parent)
            end
          else
            if policy_set ~= set or policy_count ~= count or policy_age ~= age or policy_limit ~= limit then
              apply_policy()
              policy_set, policy_count, policy_age, policy_limit = set, count, age, limit
            end
            call('ZADD', set, now, id)
            call('HSET', key, 'atm', made, name, value, 'finishedOn', now, unpack(ARGV, first, last))
            if op == 'f' then
              call('HDEL', key, 'defa')
            end
          end
          call('XADD', events, '*', 'event', state, 'jobId', id, name, value, 'prev', 'active')
          if op == 'f' and made >= tonumber(ARGV[s + 7]) then
            call('XADD', events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', made)
          end
        elseif op == 'd' then
          code = 5
          any_delayed = true
          local delay = tonumber(ARGV[s + 4])
          local due = now + delay
          if ARGV[s + 5] == '1' then
            call('HSET', key, 'atm', made, 'delay', ARGV[s + 4], unpack(ARGV, first, last))
          else
            call('HSET', key, 'delay', ARGV[s + 4], unpack(ARGV, first, last))
          end
          call('ZADD', delayed, delayed_score(delayed, due), id)
          call('XADD', events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
        elseif op == 'w' then
          code = 6
          call('ZADD', base .. 'waiting-children', now, id)
          call('XADD', events, '*', 'event', 'waiting-children', 'jobId', id, 'prev', 'active')
        else
          local priority = tonumber(job[6]) or 0
          if op == 'r' then
            call('HSET', key, 'atm', made, unpack(ARGV, first, last))
          end
          if priority == 0 then
            code = 3
            call(op == 'r' and ARGV[s + 4] or 'RPUSH', target, id)
          else
            code = 4
            call('ZADD', prioritized, op == 'r' and priority_score(base, priority) or priority * 4294967296, id)
          end
          wake()
          call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
        end
      end
    end
    codes[i] = code
  end
  if ours[1] then
    call('DEL', unpack(free))
    call('SREM', stalled, unpack(ours))
  end
  apply_policy()
end

-- Take ----------------------------------------------------------------------

local jobs, limited, next_at = {}, 0, -1
local held_back = false
if want > 0 then
  held_back = blocked()

  local due = call('ZRANGEBYSCORE', delayed, 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
  if due[1] then
    call('ZREM', delayed, unpack(due))
    for _, id in ipairs(due) do
      local key = base .. id
      local priority = try('HGET', key, 'priority')
      if type(priority) == 'table' then
        quarantine(id, 'the key of the job is not a hash')
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
    if not held_back then
      call('ZADD', marker, 0, '0')
    end
  end

  -- The queue's own limit goes before the worker's, its duration after, as BullMQ has it.
  local max = tonumber(meta[3]) or tonumber(ARGV[5])
  local limiter, n = base .. 'limiter', want
  if max then
    local used = tonumber(call('GET', limiter)) or 0
    if used >= max then
      local ttl = call('PTTL', limiter)
      if ttl > 0 then
        limited = ttl
      else
        call('DEL', limiter)
        used = 0
      end
    end
    n = math.min(n, max - used)
  end
  if cap and not paused then
    n = math.min(n, cap - call('LLEN', active))
  end

  if limited == 0 and not held_back and n > 0 then
    local ids, popped = {}, call('RPOP', wait, n)
    if popped then
      for _, id in ipairs(popped) do
        -- Ids that begin with `0:` are markers of BullMQ before version 5.
        if string.sub(id, 1, 2) ~= '0:' then
          ids[#ids + 1] = id
        end
      end
    end
    if #ids < n then
      popped = call('ZPOPMIN', prioritized, n - #ids)
      for i = 1, #popped, 2 do
        ids[#ids + 1] = popped[i]
      end
      if not popped[1] then
        call('DEL', base .. 'pc')
      end
    end

    local tokens = 0
    if ids[1] then
      call('LPUSH', active, unpack(ids))
      for _, id in ipairs(ids) do
        local key = base .. id
        local job = try('HMGET', key, 'name', 'data', 'opts', 'timestamp', 'priority', 'atm', 'ats', 'stc',
          'parent', 'defa', 'stacktrace', 'cps', 'rjk')
        if job.err then
          quarantine(id, 'the key of the job is not a hash')
        elseif not (job[1] and job[2] and job[4]) then
          quarantine(id, 'incomplete job: name, data or timestamp is missing')
        else
          local ats = (tonumber(job[7]) or 0) + 1
          call('SET', key .. ':lock', token, 'PX', lock_ms)
          call('XADD', events, '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
          call('HSET', key, 'processedOn', now, 'ats', ats, 'pb', runner)
          job[7] = ats
          if not job[10] then
            tokens = tokens + 1
          end
          job[14] = id
          if job[12] then
            job[12] = call('HGETALL', key)
          end
          jobs[#jobs + 1] = job
        end
      end
      if max and tokens > 0 then
        local duration = tonumber(ARGV[6]) or tonumber(meta[4])
        if call('INCRBY', limiter, tokens) == tokens and duration then
          call('PEXPIRE', limiter, floor(math.abs(duration)))
        end
      end
    end

    if #ids < n then
      local at = next_delayed(delayed)
      if at then
        next_at = math.max(0, math.ceil(at - now))
      end
    elseif call('EXISTS', wait, prioritized) > 0 and not blocked() then
      -- Somebody else may have a free slot for the rest.
      call('ZADD', marker, 0, '0')
    end
  end
end

if any_delayed and not jobs[1] then
  local at = next_delayed(delayed)
  if at then
    call('ZADD', marker, at, '1')
  end
end

if finished > 0 and not jobs[1] and limited == 0 and next_at == -1 and not (want > 0 and held_back) and
    call('EXISTS', wait, active, prioritized) == 0 then
  call('XADD', events, '*', 'event', 'drained')
end

return { codes, jobs, paused and 1 or 0, limited, next_at, now, quarantined }
