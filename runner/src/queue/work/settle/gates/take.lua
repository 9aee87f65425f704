-- The take through gates: a job that may start is admitted, any other is parked.

-- Jobs parked at most: some 250 bytes each, beside their hashes.
local MOST = 100000

-- Admit this job (true) or park it (false); nil when no more can be parked.
local function admit(id)
  local key = base .. id
  local job = try('HMGET', key, 'name', 'data', 'priority')
  if job.err or not (job[1] and job[2]) then
    return true
  end
  local all = gates_of(job[1], job[2])
  if not all[1] then
    return true
  end
  -- A job that comes back from a worker that died still holds its gates.
  if call('HEXISTS', own .. 'holders', id) == 1 then
    leave({ id })
    known = {}
  end
  for _, name in ipairs(all) do
    local it = gate(name)
    if it.room <= 0 then
      if parked_count() >= MOST then
        return nil
      end
      park(id, key, it, priority_of(job[3]))
      return false
    end
  end
  local _, before = place(id)
  if before then
    unpark(id, before)
  end
  admitted[id] = true
  local holds = {}
  for _, name in ipairs(all) do
    local it = gate(name)
    it.room = it.room - 1
    if it.held then
      call('SADD', it.held, id)
      holds[#holds + 1] = name
    end
    if it.limited then
      if call('INCR', it.started) == 1 then
        call('PEXPIRE', it.started, it.duration)
      end
      it.again = math.min(it.again, now + math.max(1, call('PTTL', it.started)))
      call('ZADD', own .. 'gates', 'XX', 'LT', it.again, it.name)
    end
  end
  if holds[1] then
    call('HSET', own .. 'holders', id, table.concat(holds, '\n'))
  end
  return true
end

-- Take n jobs that may start into `ids`, and park the others that are met on the
-- way. Returns whether there are more to look at.
function gates.take(n, ids)
  open()
  local looked = 0
  while #ids < n and looked < LOOK do
    local id = call('RPOP', wait)
    local from_prioritized = not id and call('ZPOPMIN', prioritized)
    if from_prioritized then
      id = from_prioritized[1]
    end
    if not id then
      call('DEL', base .. 'pc')
      return false
    end
    looked = looked + 1
    -- From here on a refusal half-way puts it back.
    ids[#ids + 1] = id
    -- Ids that begin with `0:` are markers of BullMQ before version 5.
    local may = (string.sub(id, 1, 2) ~= '0:' or call('EXISTS', base .. id) == 1) and admit(id)
    if not may then
      ids[#ids] = nil
    end
    if may == nil then
      if from_prioritized then
        call('ZADD', prioritized, from_prioritized[2], id)
      else
        call('RPUSH', wait, id)
      end
      return false
    end
  end
  return #ids < n
end

-- Ms until the worker has to look again, -1 for never. `at` is what delayed jobs ask
-- for, in the same way.
function gates.next(at, more)
  local first = call('ZRANGE', own .. 'gates', 0, 0, 'WITHSCORES')
  local opens = more and PACE or first[2] and math.max(1, math.ceil(tonumber(first[2]) - now))
  return opens and (at < 0 or opens < at) and opens or at
end
