-- Gates: how many jobs of one name pattern, or of one group, run at once or
-- start in a time, over all Runners of the queue. A job whose gate is full is
-- parked: for BullMQ it is a delayed job that is due in `SAFE` ms, so that nothing
-- strands it; a gate that opens makes the first of its parked jobs wait again.
--
-- A gate is named `name:<pattern>` or `group:<value>`. Below `<base>runner:`
--   holders          hash   running job -> the gates it holds
--   held:<gate>      set    running jobs
--   started:<gate>   string starts in the window of the group's rate, expires with it
--   parked           hash   parked job -> its score in `delayed`, and its gate
--   parked:<gate>    zset   parked jobs, in the order in which they are to start
--   parked:order     string the last place given
--   gates            zset   gates with parked jobs by the ms at which to look again
--
-- ARGV, the last: {"names":[[Lua pattern, pattern, most or false], …],
-- "group":{"path":[…],"concurrency":…,"max":…,"duration":…}}

-- An hour: who waits longer is parked anew, in its old place.
local SAFE = 3600000
-- A gate whose jobs ended unseen is looked at after so many ms.
local AGAIN = 15000
-- Jobs parked at most: some 250 bytes each, beside their hashes.
local MOST = 100000
-- Jobs looked at in one call, some 15 µs each when they are parked, and ms before
-- the next: a backlog that is parked takes no more than a third of Redis' time.
local LOOK, PACE = 128, 5

local own = base .. 'runner:'
local rules = cjson.decode(ARGV[#ARGV])
-- Gates as they were found, and jobs that were admitted, in this call.
local known, admitted = {}, {}
local gates = so_far.gates or { released = 0 }
so_far.gates = gates

local function limit_of(name)
  local group = string.match(name, '^group:')
  if group then
    return rules.group or {}
  end
  for _, rule in ipairs(rules.names) do
    if 'name:' .. rule[2] == name and rule[3] then
      return { concurrency = rule[3] }
    end
  end
  return {}
end

-- Whether a job is about to be taken: one that comes back or was promoted is near
-- the end that runs first.
local function waits(id)
  return call('LPOS', target, id, 'RANK', -1, 'MAXLEN', 1000) or call('ZSCORE', prioritized, id)
end

-- Take these jobs out of the gates they hold, and say which.
local function leave(ids)
  local left = {}
  for i, held in ipairs(call('HMGET', own .. 'holders', unpack(ids))) do
    for name in string.gmatch(held or '', '[^\n]+') do
      call('SREM', own .. 'held:' .. name, ids[i])
      left[name] = true
    end
    if held then
      call('HDEL', own .. 'holders', ids[i])
    end
  end
  return left
end

-- A job that lost its lock holds its gates until it is known to be gone: it comes
-- back, before those that are parked.
local function prune(key)
  for _, id in ipairs(call('SMEMBERS', key)) do
    if not admitted[id] and call('EXISTS', base .. id .. ':lock') == 0 and not call('LPOS', active, id)
        and not waits(id) then
      leave({ id })
      call('SREM', key, id)
    end
  end
  return call('SCARD', key)
end

-- A gate as it is now: how many jobs more may start, and when that changes by
-- itself.
local function gate(name)
  gates.name = name
  local it = known[name]
  if it then
    return it
  end
  local limit = limit_of(name)
  it = {
    name = name, room = math.huge, again = now + AGAIN, limited = limit.max, duration = limit.duration,
    held = limit.concurrency and own .. 'held:' .. name, started = own .. 'started:' .. name,
    parked = own .. 'parked:' .. name,
  }
  if limit.max then
    local started = count_of(call('GET', it.started)) or 0
    it.room = math.max(0, limit.max - started)
    if it.room == 0 then
      it.again = now + math.max(1, call('PTTL', it.started))
    end
  end
  if it.held then
    local held = call('SCARD', it.held)
    if held >= limit.concurrency then
      held = prune(it.held)
    end
    it.room = math.min(it.room, math.max(0, limit.concurrency - held))
  end
  known[name] = it
  return it
end

-- The value of a field that stands once in a payload and near its beginning, as
-- it mostly does; true besides when all of it must be read, which takes some 10 µs
-- per KiB.
local function first_field(data, field)
  local quoted = '"' .. field .. '"'
  local from, to = string.find(data, quoted, 1, true)
  if not from then
    -- Its name may be written with escapes.
    return nil, string.find(data, '\\', 1, true) ~= nil
  elseif from > 1000 or string.find(data, quoted, to, true) then
    return nil, true
  end
  -- What is before it, without strings: one object is open, and no string.
  local before = string.gsub(string.gsub(string.sub(data, 1, from - 1), '\\.', ''), '"[^"]*"', '')
  local _, opened = string.gsub(before, '[{%[]', '')
  local _, closed = string.gsub(before, '[}%]]', '')
  if not string.find(before, '^%s*{') or string.find(before, '"', 1, true) or opened - closed ~= 1 then
    return nil, true
  end
  local value = string.match(data, '^%s*:%s*"([^"\\]*)"', to + 1)
  if value then
    return value
  end
  value = string.match(data, '^%s*:%s*([%w.+-]+)', to + 1)
  if value == 'true' or value == 'false' then
    return value
  elseif value and string.find(value, '^%-?%d') then
    return tonumber(value)
  end
  return nil, value ~= 'null'
end

local function field_of(data, path)
  if not path[2] then
    local value, unread = first_field(data, path[1])
    if not unread then
      return value
    end
  end
  local read, value = pcall(cjson.decode, data)
  if not read then
    return nil
  end
  for _, field in ipairs(path) do
    if type(value) ~= 'table' then
      return nil
    end
    value = value[field]
  end
  return value
end

-- The group a payload names: text, a number or a truth value; anything else is none.
local function group_of(data)
  local value = field_of(data, rules.group.path)
  if type(value) == 'number' then
    value = string.format('%.17g', value)
  elseif type(value) == 'boolean' then
    value = tostring(value)
  elseif type(value) ~= 'string' then
    return nil
  end
  return (#value > 64 or string.find(value, '%c')) and redis.sha1hex(value) or value
end

-- The group first: its order is what a full gate keeps.
local function gates_of(name, data)
  local all = {}
  local group = rules.group and group_of(data)
  if group then
    all[1] = 'group:' .. group
  end
  for _, rule in ipairs(rules.names) do
    if string.find(name, rule[1]) then
      if rule[3] then
        all[#all + 1] = 'name:' .. rule[2]
      end
      break
    end
  end
  return all
end

local parked
local function parked_count()
  parked = parked or call('HLEN', own .. 'parked')
  return parked
end

-- A parked job's score in `delayed`, and its gate.
local function place(id)
  local entry = parked_count() > 0 and call('HGET', own .. 'parked', id)
  if entry then
    return string.match(entry, '^(%S+) (.*)$')
  end
end

local function unpark(id, name)
  call('HDEL', own .. 'parked', id)
  call('ZREM', own .. 'parked:' .. name, id)
  if call('EXISTS', own .. 'parked:' .. name) == 0 then
    call('ZREM', own .. 'gates', name)
  end
end

local function park(id, key, it, priority)
  local due = now + SAFE
  local score = string.format('%.0f', delayed_score(delayed, due))
  local _, before = place(id)
  if before and before ~= it.name then
    unpark(id, before)
  end
  call('ZADD', delayed, score, id)
  call('HSET', own .. 'parked', id, score .. ' ' .. it.name)
  call('ZADD', it.parked, 'NX', priority * 4294967296 + call('INCR', own .. 'parked:order') % 4294967296, id)
  if it.listed ~= it.again then
    call('ZADD', own .. 'gates', 'LT', it.again, it.name)
    it.listed = it.again
  end
  parked = parked + 1
  call('HSET', key, 'delay', SAFE)
  call('XADD', events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
end

-- Let as many wait as may start: the first ones of those that are parked. Who was
-- promoted by somebody else counts; who is no longer there is forgotten.
local function release(it)
  local room, at, free, looks = it.room, 0, {}, LOOK
  while room > 0 do
    if looks == 0 then
      it.again = now + PACE
      break
    end
    looks = looks - 1
    local id = call('ZRANGE', it.parked, at, at)[1]
    if not id then
      break
    end
    local due, name = place(id)
    local score = call('ZSCORE', delayed, id)
    if score and name == it.name and tonumber(score) == tonumber(due) then
      free[#free + 1] = id
      at, room = at + 1, room - 1
    elseif not score and waits(id) then
      at, room = at + 1, room - 1
    else
      call('ZREM', it.parked, id)
      if name == it.name then
        call('HDEL', own .. 'parked', id)
      end
    end
  end
  for i = #free, 1, -1 do
    local key = base .. free[i]
    local priority = priority_of(try('HGET', key, 'priority'))
    local score = call('ZSCORE', delayed, free[i])
    call('ZREM', delayed, free[i])
    local pushed
    if priority == 0 then
      pushed = try('RPUSH', target, free[i])
    else
      pushed = try('ZADD', prioritized, priority * 4294967296 + i - 1, free[i])
    end
    if type(pushed) == 'table' then
      call('ZADD', delayed, score, free[i])
      error(pushed.err, 0)
    end
  end
  for _, id in ipairs(free) do
    call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    try('HSET', base .. id, 'delay', 0)
  end
  gates.released = gates.released + #free
  if call('EXISTS', it.parked) == 0 then
    call('ZREM', own .. 'gates', it.name)
  else
    call('ZADD', own .. 'gates', it.again, it.name)
  end
end

-- These jobs run no longer.
function gates.leave(ids)
  local left = leave(ids)
  if next(left) and parked_count() > 0 then
    for name in pairs(left) do
      release(gate(name))
    end
    known = {}
  end
end

-- Open what time has opened.
local function open()
  for _, name in ipairs(call('ZRANGEBYSCORE', own .. 'gates', '-inf', now, 'LIMIT', 0, 64)) do
    release(gate(name))
  end
end

-- Admit this job, or park it; nil when no more can be parked.
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

-- Take n jobs that may start into `ids`; the others, up to so many, are parked on
-- the way. Whether there are more to look at.
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
    -- In nobody's hands it is for no moment.
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

-- Ms until the worker is to look again, if it is: `at` for delayed jobs.
function gates.next(at, more)
  local first = call('ZRANGE', own .. 'gates', 0, 0, 'WITHSCORES')
  local opens = more and PACE or first[2] and math.max(1, math.ceil(tonumber(first[2]) - now))
  return opens and (at < 0 or opens < at) and opens or at
end
