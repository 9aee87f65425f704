-- Remove finished jobs that are not to be kept any longer (BullMQ: removeJobsByMaxAge,
-- removeJobsByMaxCount).
local function remove_finished(ids)
  for _, id in ipairs(ids) do
    local key = base .. id
    local parent = try('HGET', key, 'parentKey')
    if type(parent) == 'string' and parent ~= '' and call('EXISTS', parent) == 1 then
      forget_child(key, parent)
    end
    remove_keys(key)
  end
end

-- Keep the newest `count` jobs of a set, and those that ended within `age` seconds;
-- `limit` bounds how many are removed for their age in one call.
local function keep(set, count, age, limit)
  limit = math.min(limit, 9007199254740991)
  if age then
    local before = now - age * 1000
    local old = call('ZREVRANGEBYSCORE', set, before, '-inf', 'LIMIT', 0, limit)
    remove_finished(old)
    for from = 1, #old, 5000 do
      call('ZREM', set, unpack(old, from, math.min(from + 4999, #old)))
    end
  end
  if count and count > 0 then
    count = math.min(count, 9007199254740991)
    remove_finished(call('ZREVRANGE', set, count, -1))
    call('ZREMRANGEBYRANK', set, 0, -(count + 1))
  end
end
