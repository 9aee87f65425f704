-- Add jobs, all or none (BullMQ: addStandardJob, addPrioritizedJob,
-- addDelayedJob). The producer's clock plays no part: times are Redis'.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: custom id or '', name, data, options, delay, priority, LPUSH or RPUSH,
--          deduplication or ''
-- returns  ids in order; where nothing was added a pair of the id of the job that
--          is there instead and why: its id is `known`, it was `deduplicated`, or
--          `kept` to be added after that job
local last = call('INCRBY', base .. 'id', #ARGV / 8) - #ARGV / 8
local ids, ready, later = {}, false, false
-- New ones, to be taken back when a later one is refused.
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
    call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'duplicated', 'jobId', id)
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
        call('ZADD', delayed, delayed_score(delayed, now + delay), id)
        call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'delayed', 'jobId', id, 'delay', now + delay)
      else
        ready = true
        if priority > 0 then
          call('ZADD', prioritized, priority_score(base, priority), id)
        else
          call(ARGV[at + 6], target, id)
        end
        call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'waiting', 'jobId', id)
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
  -- A job that came later in the same call may have replaced the delayed one.
  local due = later and next_delayed(delayed)
  if due then
    call('ZADD', marker, due, '1')
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
