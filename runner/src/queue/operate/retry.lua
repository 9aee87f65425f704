-- Let finished jobs wait for a worker again, by their priority (BullMQ: reprocessJob
-- of version 6). The parent of a child waits for it again.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 '1' to count attempts from zero  then ids
-- returns  for each id: 1 retried, 0 no such job, -1 it has not ended
local codes, retried = {}, false

local function back_to_parent(key, parent, prev)
  if not parent or call('EXISTS', parent) == 0 then
    return
  end
  local left
  if prev == 'failed' then
    left = call('ZREM', parent .. ':unsuccessful', key) == 1 or call('HDEL', parent .. ':failed', key) == 1
  else
    left = call('HDEL', parent .. ':processed', key) == 1
  end
  if left then
    call('SADD', parent .. ':dependencies', key)
  end
end

local function retry(id, key, prev, result)
  -- A job that failed for its stalls or crashes starts without that history.
  call('HDEL', key, 'finishedOn', 'processedOn', 'stc', 'crs', 'defa', result)
  if ARGV[1] == '1' then
    call('HDEL', key, 'atm', 'ats')
  end
  local job = call('HMGET', key, 'priority', 'opts', 'parentKey')
  local read, options = pcall(cjson.decode, job[2] or '{}')
  local first = read and type(options) == 'table' and options['lifo'] == true
  put(here, id, priority_of(job[1]), first and 'RPUSH' or 'LPUSH')
  -- The child goes on even if its parent cannot be written.
  pcall(back_to_parent, key, job[3], prev)
  tell(here, 'waiting', 'jobId', id, 'prev', prev)
  retried = true
end

for at = 2, #ARGV do
  local id = ARGV[at]
  local key = base .. id
  local code = -1
  if call('TYPE', key)['ok'] ~= 'hash' then
    code = 0
  elseif call('ZREM', base .. 'failed', id) == 1 then
    code = 1
    retry(id, key, 'failed', 'failedReason')
  elseif call('ZREM', base .. 'completed', id) == 1 then
    code = 1
    retry(id, key, 'completed', 'returnvalue')
  end
  codes[#codes + 1] = code
end
if retried then
  wake()
end
return codes
