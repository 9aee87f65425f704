-- Keys of the wrong type: nothing that reads or writes the queue could go on beside
-- them. They are put aside as `<key>:corrupt`, and `troubles` tells of it.
local queue_keys = {
  { 'list', 'wait', 'active', 'paused', 'metrics:completed:data', 'metrics:failed:data' },
  { 'zset', 'delayed', 'prioritized', 'completed', 'failed', 'waiting-children', 'marker', 'repeat', 'runner:gates' },
  { 'hash', 'meta', 'metrics:completed', 'metrics:failed', 'runner:holders', 'runner:parked', 'runner:schedules',
    'runner:missed', 'runner:refused' },
  { 'set', 'stalled' },
  { 'stream', 'events' },
  { 'string', 'id', 'pc', 'limiter', 'stalled-check', 'runner:parked:order' },
}
local job_keys = {
  { 'list', ':logs' }, { 'set', ':dependencies' }, { 'zset', ':unsuccessful' }, { 'hash', ':processed', ':failed' },
}
-- These are counted up.
local counters = { id = true, pc = true, limiter = true, ['runner:parked:order'] = true }

-- What is wrong with a key; nil if nothing is. `counts`: it must be a number.
local function fault_of(key, kind, counts)
  local is = call('TYPE', key)['ok']
  if is == 'none' then
    return nil
  elseif is ~= kind then
    return 'is a ' .. is .. ', not a ' .. kind
  elseif counts then
    local value = call('GET', key)
    return not (#value <= 16 and string.match(value, '^%-?%d+$')) and 'is no number' or nil
  elseif kind == 'stream' then
    local info = try('XINFO', 'STREAM', key)
    for i = 1, #info, 2 do
      -- After the last possible id nothing can be added.
      if info[i] == 'last-generated-id' and string.match(info[i + 1], '^18446744073709551615%-') then
        return 'has no ids left'
      end
    end
  end
end

-- The faulty keys below `base`, each with its fault.
local function faulty(base, keys)
  local found = {}
  for _, kind in ipairs(keys) do
    for i = 2, #kind do
      local key = base .. kind[i]
      local fault = fault_of(key, kind[1], counters[kind[i]] or string.find(kind[i], '^started:'))
      if fault then
        found[#found + 1] = { key, fault }
      end
    end
  end
  return found
end

-- Put aside what is faulty below `base`. Returns whether anything was.
local function put_aside(base, keys)
  local found = faulty(base, keys)
  for _, it in ipairs(found) do
    local key, aside = it[1], it[1] .. ':corrupt'
    call('RENAME', key, aside)
    troubles[#troubles + 1] = 'the key ' .. key .. ' ' .. it[2] .. ': it was put aside as ' .. aside
    if key == base .. 'id' then
      -- Ids go on with the time in ms, which is above all that were given.
      call('SET', key, now_text)
    end
  end
  return found[1] ~= nil
end

local function mend_queue(queue)
  return put_aside(queue, queue_keys)
end

local function mend_job(key)
  return put_aside(key, job_keys)
end
