-- Parents of a flow: what the end of a child does to them (BullMQ:
-- updateParentDepsIfNeeded, moveParentToWait, removeParentDependencyKey).
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
