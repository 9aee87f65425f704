-- Add jobs that wait for each other, all or none (BullMQ: addParentJob for those with
-- children; addStandardJob, addPrioritizedJob and addDelayedJob for the others).
-- A parent comes before its children.
-- KEYS[1]  base of the keys of the current job's queue, or of the first job's if there
--          is no current job
-- ARGV     1 id of the current job or ''  2 its token  3 count of jobs, then per
--          job: base of its queue's keys, custom id or '', name, data, options,
--          delay in ms, priority, LPUSH or RPUSH, parent (its position from 1, 0 for
--          the current job, '' for none), its policy (fpof, cpof, idof, rdof) or '',
--          1 if it has children
-- returns  ids in order; -1 if the current job is no longer ours; an error, before
--          anything is written, if a job has another parent already
local ROW = 11
local current, rows = ARGV[1], tonumber(ARGV[3])
local current_key = base .. current
if current ~= '' and call('GET', current_key .. ':lock') ~= ARGV[2] then
  return -1
end

-- Settings of each queue. On a cluster, a queue on another node ends the script here,
-- before anything is written.
local queues = {}
for n = 0, rows - 1 do
  local queue = ARGV[4 + n * ROW]
  if not queues[queue] then
    local refused = refusal(queue)
    if refused then
      return refused
    end
    queues[queue] = queue_at(queue)
  end
end
for n = 0, rows - 1 do
  local at = 4 + n * ROW
  local id = ARGV[at + 1]
  local is = id ~= '' and call('TYPE', ARGV[at] .. id)['ok']
  if is and is ~= 'hash' and is ~= 'none' then
    return redis.error_reply('WRONGTYPE the key ' .. ARGV[at] .. id .. ' is a ' .. is .. ', no job')
  end
  if id ~= '' and ARGV[at + 8] ~= '' then
    local other = call('HGET', ARGV[at] .. id, 'parentKey')
    local parent = tonumber(ARGV[at + 8])
    local row = 4 + (parent - 1) * ROW
    local mine = parent == 0 and current_key or (ARGV[row + 1] ~= '' and ARGV[row] .. ARGV[row + 1])
    if other and other ~= mine and call('EXISTS', other) == 1 then
      return redis.error_reply('FLOW the job ' .. ARGV[at] .. id .. ' is a child of ' .. other .. ' already')
    end
  end
end

-- Make a job the child of a parent: what is stored with it.
local function adopt(key, parent, policy)
  local queue = cjson.encode(string.sub(parent.queue, 1, -2))
  local flag = policy ~= '' and ',"' .. policy .. '":true' or ''
  local named = '{"id":' .. cjson.encode(parent.id)
  call('HSET', key, 'parentKey', parent.key, 'parent', named .. ',"queueKey":' .. queue .. flag .. '}')
  return '{"parent":' .. named .. ',"queue":' .. queue .. '}' .. flag .. ','
end

for _, it in ipairs(current ~= '' and faulty(current_key, job_keys) or {}) do
  return redis.error_reply('WRONGTYPE the key ' .. it[1] .. ' ' .. it[2] .. ': rename it or remove it')
end

local added, ids = { [0] = { queue = base, id = current, key = current_key } }, {}
for n = 1, rows do
  local at = 4 + (n - 1) * ROW
  local queue, id, name, opts = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  local delay, priority = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local parent, policy, has_children = added[tonumber(ARGV[at + 8])], ARGV[at + 9], ARGV[at + 10] == '1'
  local counter = call('INCR', queue .. 'id')
  if id == '' then
    id = string.format('%.0f', counter)
  end
  local key = queue .. id
  if call('EXISTS', key) == 1 then
    if parent then
      adopt(key, parent, policy)
      if call('ZSCORE', queue .. 'completed', id) then
        call('HSET', parent.key .. ':processed', key, call('HGET', key, 'returnvalue') or 'null')
      else
        call('SADD', parent.key .. ':dependencies', key)
      end
    end
    tell(queues[queue], 'duplicated', 'jobId', id)
  else
    if parent then
      opts = adopt(key, parent, policy) .. string.sub(opts, 2)
      call('SADD', parent.key .. ':dependencies', key)
    end
    call('HSET', key, 'name', name, 'data', ARGV[at + 3], 'opts', opts, 'timestamp', now_text,
      'delay', delay, 'priority', priority)
    call('XADD', queue .. 'events', '*', 'event', 'added', 'jobId', id, 'name', name)
    if has_children then
      call('ZADD', queue .. 'waiting-children', now_text, id)
      tell(queues[queue], 'waiting-children', 'jobId', id)
    else
      enqueue(queues[queue], id, delay > 0 and now + delay, priority, ARGV[at + 7])
    end
  end
  added[n] = { queue = queue, id = id, key = key }
  ids[n] = id
end

-- All children of a parent may have ended before.
for n = 1, rows do
  local at, job = 4 + (n - 1) * ROW, added[n]
  if ARGV[at + 10] == '1' and call('SCARD', job.key .. ':dependencies') == 0 then
    release_parent(job.queue, job.id, job.key)
  end
end
if current ~= '' then
  -- Settle tells by this that the job had children, even when they are gone.
  call('HSET', current_key, 'fc', 1)
end
return ids
