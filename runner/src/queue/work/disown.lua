-- Remove the children of a running job that have not been started, with theirs
-- (BullMQ: removeUnprocessedChildren). Locked and failed ones stay.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 id of the job  2 its token
-- returns  1 done, 0 the job is no longer ours
local function disown(key)
  for _, child in ipairs(try('SMEMBERS', key .. ':dependencies')) do
    local queue, id = split(child)
    if queue and not is_locked(child, {}) and not try('ZSCORE', queue .. 'failed', id) then
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
