-- The schedulers of a queue, and what a runner declared of them.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 'all', or 'lost' for those alone that have no next job  2 ms that a
--          job may be active before the next one must be there
--          3 … pairs of a declared id and the digest of its schedule
-- returns  now; per scheduler a list of its id, ms of its next job, where that
--          is, missed runs, ms when the next job was added, and its hash; the ids
--          of declared schedulers that vanished
local all = ARGV[1] == 'all'
local rows = {}
local known = call('ZRANGE', repeats, 0, -1, 'WITHSCORES')
for n = 1, #known, 2 do
  local id, at = known[n], known[n + 1]
  local scheduler = base .. 'repeat:' .. id
  -- Repeatable jobs of old have no `ic`, and job ids of another form.
  local legacy = not tonumber(try('HGET', scheduler, 'ic'))
  local state = legacy and 'legacy' or run_state(id, at, tonumber(ARGV[2]))
  if all or state == 'lost' then
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
    local declared = call('HGET', base .. 'runner:schedules', id)
    if not declared or declared == digest then
      gone[#gone + 1] = id
    end
  end
end
return { now, rows, gone }
