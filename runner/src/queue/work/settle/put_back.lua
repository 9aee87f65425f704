-- Put aside what is faulty among the keys of the queue and of the gate that was looked
-- at last. Returns whether anything was.
local function mend()
  local mended = mend_queue(base)
  return gates and gates.name and put_aside(base .. 'runner:', {
    { 'set', 'held:' .. gates.name }, { 'zset', 'parked:' .. gates.name }, { 'string', 'started:' .. gates.name },
  }) or mended
end

-- After a take that was refused half-way: what it took waits again, at the front.
-- Returns whether anything was in its way, and is put aside.
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
      put_first(id, priority_of(try('HGET', key, 'priority')))
    end
  end
  return mended
end

-- Whether a job is in no list or set but `active`.
local function is_nowhere(id)
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    if try('ZSCORE', base .. set, id) then
      return false
    end
  end
  return not (call('LPOS', wait, id) or call('LPOS', base .. 'paused', id))
end

-- Whether Redis' access rules forbid a command: no job is to blame then.
local function is_forbidden(why)
  local text = text_of(why)
  return string.find(text, 'The user executing the script', 1, true) or string.find(text, 'ACL failure', 1, true)
    or string.find(text, '^NOPERM')
end

-- Undo the end of a job, the i-th, that was refused half-way. The first time, what
-- is in its way is put aside, and the end is written again; the second time the job
-- fails. Returns false when it is not to blame: Redis forbids the command.
local function undo(i, id, key, in_order, why, runner)
  local row, ours, free = so_far.row, so_far.ours, so_far.free
  mend()
  if row[#row] == id then
    row[#row], row[#row - 1] = nil, nil
  end
  if ours[#ours] == id then
    ours[#ours], free[#free] = nil, nil
  end
  for _, set in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
    try('ZREM', base .. set, id)
  end
  try('LREM', target, 1, id)
  if not in_order then
    call('LREM', active, 0, id)
    call('RPUSH', active, id)
  end
  if so_far.again ~= i then
    mend_job(key)
    so_far.again, so_far.at = i, i - 1
  elseif is_forbidden(why) then
    return false
  else
    so_far.codes[i] = $FAILED
    quarantine(id, 'its end could not be written: ' .. text_of(why), runner)
  end
  return true
end
