-- Remove the children of a running job that nobody has begun, with theirs
-- (BullMQ: removeUnprocessedChildren). Locked and failed ones stay.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 id of the job  2 its token
-- returns  1 done, 0 the job is not ours any more
-- Jobs that are being looked at: whoever made the keys, nobody goes in a circle.
local seen = {}
local function is_locked(key)
  if seen[key] then
    return false
  end
  if call('EXISTS', key .. ':lock') == 1 then
    return true
  end
  seen[key] = true
  for _, child in ipairs(try('SMEMBERS', key .. ':dependencies')) do
    if is_locked(child) then
      return true
    end
  end
  return false
end

local function disown(key)
  for _, child in ipairs(try('SMEMBERS', key .. ':dependencies')) do
    local queue, id = split(child)
    seen = {}
    if queue and not is_locked(child) and not try('ZSCORE', queue .. 'failed', id) then
      forget_child(child, key)
      disown(child)
      local prev = take_out(queue, id)
      forget_deduplication(queue, id, try('HGET', child, 'deid'))
      remove_told(queue, id, prev)
    end
  end
end

local key = base .. ARGV[1]
if call('GET', key .. ':lock') ~= ARGV[2] then
  return 0
end
disown(key)
return 1
