-- Read the schedulers of a queue, and what a runner declared of them.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 'all'; 'declared' for those that a runner declared or is about to declare;
--          'lost' for those without a next job  2 ms for which a job may be active
--          before the next one must be there
--          3 … pairs of a declared id and the digest of its schedule
-- returns  now; for each scheduler a list of its id, ms of its next job, where that is
--          (`run_state`, or 'legacy'), missed runs, ms at which the next job was added,
--          and its hash; the ids of declared schedulers that have vanished
local registry = base .. 'runner:schedules'
-- Schedulers looked at for lost jobs in one call, which takes about 2 ms.
local LOOK = 1000

-- The ids of the schedulers to look at, each with the ms of its next job.
local function known()
  if ARGV[1] == 'declared' then
    local ids, found = {}, {}
    for n = 3, #ARGV, 2 do
      ids[ARGV[n]] = true
    end
    local declared = call('HGETALL', registry)
    for n = 1, #declared, 2 do
      ids[declared[n]] = ids[declared[n]] or declared[n + 1] ~= ''
    end
    for id, wanted in pairs(ids) do
      local at = wanted and call('ZSCORE', repeats, id)
      if at then
        found[#found + 1] = id
        found[#found + 1] = at
      end
    end
    return found
  end
  local count = call('ZCARD', repeats)
  if ARGV[1] == 'all' or count <= LOOK then
    return call('ZRANGE', repeats, 0, -1, 'WITHSCORES')
  end
  -- First those that are late, the last one first, as schedulers that have ended are
  -- the latest of all; then, by turns, some of all, so that most are found in time.
  local found = call('ZREVRANGEBYSCORE', repeats, now, '-inf', 'WITHSCORES', 'LIMIT', 0, LOOK)
  local look = base .. 'runner:look'
  local from = count_of(try('GET', look)) or 0
  if from >= count then
    from = 0
  end
  call('SET', look, from + LOOK)
  for _, value in ipairs(call('ZRANGE', repeats, from, from + LOOK - 1, 'WITHSCORES')) do
    found[#found + 1] = value
  end
  return found
end

local rows = {}
local found = known()
for n = 1, #found, 2 do
  local id, at = found[n], found[n + 1]
  local scheduler = base .. 'repeat:' .. id
  -- Repeatable jobs of an older BullMQ have no `ic`, and job ids of another form.
  local legacy = not tonumber(try('HGET', scheduler, 'ic'))
  local state = legacy and 'legacy' or run_state(id, at, tonumber(ARGV[2]))
  if ARGV[1] ~= 'lost' or state == 'lost' then
    local added = try('HGET', base .. run_of(id, at), 'timestamp')
    local hash = try('HGETALL', scheduler)
    rows[#rows + 1] = { id, at, state, call('HGET', base .. 'runner:missed', id) or 0,
      type(added) == 'string' and added or false, hash['err'] and {} or hash }
  end
end

local gone = {}
for n = 3, #ARGV, 2 do
  local id, digest = ARGV[n], ARGV[n + 1]
  if not call('ZSCORE', repeats, id) then
    local declared = call('HGET', registry, id)
    if not declared or declared == digest then
      gone[#gone + 1] = id
    end
  end
end
return { now, rows, gone }
