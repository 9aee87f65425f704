-- What is faulty among the keys of the queue, and of the gate that was looked at last.
local function mend()
  local mended = mend_queue(base)
  return gates and gates.name and put_aside(base .. 'runner:', {
    { 'set', 'held:' .. gates.name }, { 'zset', 'parked:' .. gates.name }, { 'string', 'started:' .. gates.name },
  }) or mended
end

-- A take that was refused half-way: what it took waits again, at the front. Whether
-- what was in its way is put aside.
local function put_back(ids, token)
  local mended = mend()
  local out = {}
  for i = 1, #quarantined, 2 do
    out[quarantined[i]] = true
  end
  for i = #ids, 1, -1 do
    local id = ids[i]
    local key = base .. id
    if not out[id] then
      call('LREM', active, 1, id)
      for _, set in ipairs({ 'failed', 'delayed' }) do
        try('ZREM', base .. set, id)
      end
      if try('GET', key .. ':lock') == token then
        call('DEL', key .. ':lock')
      end
      local priority = priority_of(try('HGET', key, 'priority'))
      if priority == 0 then
        call('RPUSH', target, id)
      else
        call('ZADD', prioritized, priority * 4294967296, id)
      end
    end
  end
  return mended
end

-- Whether a job is in none of the lists and sets.
local function is_nowhere(id)
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    if try('ZSCORE', base .. set, id) then
      return false
    end
  end
  return not (call('LPOS', wait, id) or call('LPOS', base .. 'paused', id))
end

-- The end of a job that could not be written is undone.
local function take_out(id)
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    try('ZREM', base .. set, id)
  end
  try('LREM', target, 1, id)
end

-- Whether the rules of Redis keep us from a command: no job is to blame.
local function is_forbidden(why)
  local text = text_of(why)
  return string.find(text, 'The user executing the script', 1, true) or string.find(text, 'ACL failure', 1, true)
    or string.find(text, '^NOPERM')
end
