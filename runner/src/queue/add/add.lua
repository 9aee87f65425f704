-- Add jobs, all or none (BullMQ: addStandardJob, addPrioritizedJob,
-- addDelayedJob). The producer's clock plays no part: times are Redis'.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: custom id or '', name, data, options, delay in ms, priority, LPUSH
--          or RPUSH, deduplication as JSON, or ''
-- returns  ids in order. For a job that was not added, a pair: the id of the one that
--          is there instead, and `known` if it has the same id, `deduplicated`, or
--          `kept` if this job is added when that one has ended
local last = call('INCRBY', base .. 'id', #ARGV / 8) - #ARGV / 8
local ids, ready, later = {}, false, false
-- Ids of new jobs, to be removed if Redis refuses a later one.
local added = {}
local function add(at)
  last = last + 1
  local id, name, delay, priority = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if id == '' then
    id = string.format('%.0f', last)
  end
  local key = base .. id
  local de, other, why = ARGV[at + 7], nil, nil
  if ARGV[at] ~= '' and call('EXISTS', key) == 1 then
    other, why = id, 'known'
    tell(here, 'duplicated', 'jobId', id)
  else
    if de ~= '' then
      de = cjson.decode(de)
      other, why = deduplicate(id, de, name, ARGV[at + 2], ARGV[at + 3], delay)
    end
    if not other then
      call('HSET', key, 'name', name, 'data', ARGV[at + 2], 'opts', ARGV[at + 3], 'timestamp', now,
        'delay', delay, 'priority', priority)
      added[#added + 1] = id
      if de ~= '' then
        call('HSET', key, 'deid', de['id'])
      end
      call('XADD', events, '*', 'event', 'added', 'jobId', id, 'name', name)
      if delay > 0 then
        later = true
        delay_until(here, id, now + delay)
      else
        ready = true
        put(here, id, priority, ARGV[at + 6])
        tell(here, 'waiting', 'jobId', id)
      end
    end
  end
  ids[#ids + 1] = other and { other, why or 'deduplicated' } or id
end

local function add_all()
  for at = 1, #ARGV, 8 do
    add(at)
  end
  if ready then
    wake()
  end
  if later then
    wake_when_due(here)
  end
end
local all, why = pcall(add_all)
if not all then
  for _, id in ipairs(added) do
    for _, set in ipairs({ 'delayed', 'prioritized' }) do
      try('ZREM', base .. set, id)
    end
    try('LREM', target, 1, id)
    call('DEL', base .. id)
  end
  return redis.error_reply(type(why) == 'table' and why.err or why)
end
return ids
