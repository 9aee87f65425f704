-- Put the active jobs of processes that have died back to the front. That counts
-- neither as an attempt nor as a stall, but as a crash (`crs`).
--
-- Every job that was running when a process died may have killed it. A job with too
-- many crashes is a suspect. A process that leaves one suspect has shown which job it
-- is, and that job fails; several suspects go back one a second, so that the next
-- death tells which it is.
--
-- KEYS[1]  base of the queue's keys
-- ARGV     1 crashes at which a job is a suspect, 0 for never  2 count of prefixes,
--          then the prefixes of the lock tokens of processes known to be dead, then
--          the names of silent runners: of these, jobs without a lock go back
-- returns  ids put back; what was found and mended
mend_queue(base)
local limit, prefixes = tonumber(ARGV[1]), tonumber(ARGV[2])
local dead, silent = {}, {}
for i = 3, #ARGV do
  if i < 3 + prefixes then
    dead[ARGV[i]] = true
  else
    silent[ARGV[i]] = true
  end
end

-- The jobs of each holder, the newest first.
local groups, held = {}, {}
local ids = call('LRANGE', active, 0, -1)
for from = 1, #ids, 1000 do
  local locks = {}
  for i = from, math.min(from + 999, #ids) do
    locks[#locks + 1] = base .. ids[i] .. ':lock'
  end
  for i, token in ipairs(call('MGET', unpack(locks))) do
    local id, holder = ids[from + i - 1], nil
    if token then
      local prefix = string.match(token, '^(.*:)[^:]*$')
      holder = dead[prefix] and prefix
    elseif next(silent) then
      local name = try('HGET', base .. id, 'pb')
      holder = type(name) == 'string' and silent[name] and name
    end
    if holder then
      if not held[holder] then
        held[holder] = {}
        groups[#groups + 1] = held[holder]
      end
      table.insert(held[holder], id)
    end
  end
end

local back = {}
local function to_front(id, key)
  put_first(id, priority_of(try('HGET', key, 'priority')))
  call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
end

for _, group in ipairs(groups) do
  local crashes, suspects, oldest = {}, 0, nil
  for i, id in ipairs(group) do
    -- A key that is not a hash cannot count; the next take quarantines it.
    crashes[i] = count_up(base .. id, 'crs')
    if limit > 0 and crashes[i] >= limit then
      suspects, oldest = suspects + 1, i
    end
  end
  local wait_for = suspects
  for i, id in ipairs(group) do
    local key = base .. id
    call('LREM', active, -1, id)
    call('DEL', key .. ':lock')
    call('SREM', stalled, id)
    local suspect = limit > 0 and crashes[i] >= limit
    if suspect then
      wait_for = wait_for - 1
    end
    if suspect and (suspects == 1 or crashes[i] > limit + 1) then
      call('HSET', key, 'defa', 'the job was running when its runner died, ' .. crashes[i] .. ' times')
      to_front(id, key)
    elseif suspect and i ~= oldest then
      local due = now + wait_for * 1000
      call('ZADD', delayed, delayed_score(delayed, due), id)
      call('HSET', key, 'delay', wait_for * 1000)
      call('XADD', events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
    elseif call('EXISTS', key) == 1 then
      to_front(id, key)
    end
    back[#back + 1] = id
  end
end
if back[1] then
  call('XTRIM', events, 'MAXLEN', '~', max_events())
  wake()
end
return { back, troubles }
