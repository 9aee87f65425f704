-- Parents of a flow: what the end of a child does to them (BullMQ:
-- updateParentDepsIfNeeded, moveParentToWait, removeParentDependencyKey).

-- Base and id of a job's key; nil if it has no colon.
local function split(key)
  local id = string.match(key, ':([^:]*)$')
  if id then
    return string.sub(key, 1, #key - #id), id
  end
end

-- Let a parent go on, in this or another queue, whose base is `queue`.
local function parent_to_wait(queue, id, key, delay)
  local there = queue_at(queue)
  if delay and delay > 0 then
    local at = now + delay
    call('ZADD', queue .. 'delayed', at * 4096, id)
    call('XADD', queue .. 'events', '*', 'event', 'delayed', 'jobId', id, 'delay', at)
    wake_when_due(there)
    return
  end
  put(there, id, priority_of(try('HGET', key, 'priority')), 'RPUSH')
  wake_at(there)
  call('XADD', queue .. 'events', '*', 'event', 'waiting', 'jobId', id, 'prev', 'waiting-children')
end

-- The same for a parent that is in this set; any other stays where it is.
local function wake_parent(set, queue, id, key, delay)
  if call('ZREM', queue .. set, id) == 0 then
    return
  end
  local woken, why = pcall(parent_to_wait, queue, id, key, delay)
  if not woken then
    -- Undo it.
    for _, other in ipairs({ 'delayed', 'prioritized' }) do
      try('ZREM', queue .. other, id)
    end
    for _, list in ipairs({ 'wait', 'paused' }) do
      try('LREM', queue .. list, 1, id)
    end
    call('ZADD', queue .. set, set == 'delayed' and now * 4096 or now, id)
    error(why, 0)
  end
end

local function release_parent(queue, id, key)
  if call('EXISTS', key) == 1 then
    local delay = try('HGET', key, 'delay')
    wake_parent('waiting-children', queue, id, key, count_of(delay))
  end
end

-- A removed child no longer holds its parent back. Here and below the dependency is
-- removed last, so that what Redis refused half-way can be done again.
local function remove_dependency(queue, id, parent, child)
  if call('SISMEMBER', parent .. ':dependencies', child) == 1 then
    if call('SCARD', parent .. ':dependencies') == 1 then
      wake_parent('waiting-children', queue, id, parent, nil)
    end
    call('SREM', parent .. ':dependencies', child)
  end
end

local function complete_child(queue, id, parent, child, value)
  if call('SISMEMBER', parent .. ':dependencies', child) == 1 then
    call('HSET', parent .. ':processed', child, value)
    if call('SCARD', parent .. ':dependencies') == 1 then
      release_parent(queue, id, parent)
    end
    call('SREM', parent .. ':dependencies', child)
  end
end

-- A failed child does to its parent what its policy says: fail it (fpof), let it go on
-- at once (cpof), or count as done, with its failure noted (idof) or not (rdof).
local function fail_child(queue, id, parent, child, reason, policy)
  if call('SISMEMBER', parent .. ':dependencies', child) == 0 then
    return
  end
  if policy['fpof'] then
    call('ZADD', parent .. ':unsuccessful', now, child)
    local why, there = 'child ' .. child .. ' failed', call('EXISTS', parent) == 1
    if there and call('ZSCORE', queue .. 'waiting-children', id) then
      call('HSET', parent, 'defa', why)
      wake_parent('waiting-children', queue, id, parent, count_of(call('HGET', parent, 'delay')))
    elseif there and call('ZSCORE', queue .. 'delayed', id) then
      call('HSET', parent, 'delay', 0, 'defa', why)
      wake_parent('delayed', queue, id, parent, nil)
    elseif there and not call('ZSCORE', queue .. 'failed', id) then
      call('HSET', parent, 'defa', why)
    end
  elseif policy['cpof'] then
    call('HSET', parent .. ':failed', child, reason)
    release_parent(queue, id, parent)
  else
    if call('SCARD', parent .. ':dependencies') == 1 then
      release_parent(queue, id, parent)
    end
    if policy['idof'] then
      call('HSET', parent .. ':failed', child, reason)
    end
  end
  call('SREM', parent .. ':dependencies', child)
end

-- Update a parent. If its keys cannot be read or written, it fails, so that it does not
-- wait for ever; the child loses nothing by it.
local function with_parent(update, queue, id, parent, child, ...)
  local told, why = pcall(update, queue, id, parent, child, ...)
  if told then
    return
  end
  local broken = mend_job(parent)
  mend_queue(queue)
  if not broken then
    told, why = pcall(update, queue, id, parent, child, ...)
  end
  if not told then
    local reason = 'the ends of its children cannot be kept: ' .. (broken and troubles[#troubles] or text_of(why))
    if call('ZSCORE', queue .. 'waiting-children', id) then
      try('HSET', parent, 'defa', reason)
      pcall(wake_parent, 'waiting-children', queue, id, parent, nil)
    end
    troubles[#troubles + 1] = 'the parent ' .. parent .. ' was not told of the end of ' .. child .. ': ' .. text_of(why)
  end
end

local function forget_child(child, parent)
  local queue, id = split(parent)
  if queue then
    with_parent(remove_dependency, queue, id, parent, child)
  end
end

local function child_completed(parent, child, value)
  local queue, id = split(parent)
  if queue then
    with_parent(complete_child, queue, id, parent, child, value)
  end
end

local function child_failed(raw, child, reason)
  local read, policy = pcall(cjson.decode, raw)
  if not read or type(policy) ~= 'table' or type(policy['queueKey']) ~= 'string' then
    return
  end
  local id = policy['id']
  if type(id) == 'number' then
    id = string.format('%.14g', id)
  elseif type(id) ~= 'string' then
    return
  end
  local queue = policy['queueKey'] .. ':'
  if policy['fpof'] or policy['cpof'] or policy['idof'] or policy['rdof'] then
    with_parent(fail_child, queue, id, queue .. id, child, reason, policy)
  end
end
