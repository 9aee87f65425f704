-- Count the jobs that ended, per minute, for BullMQ's `queue.getMetrics`
-- (collectMetrics). Those of one call have the same time and are counted together.
-- If the counters cannot be read, only the figures are lost.
--   kind    'completed' or 'failed'      ended   how many did
--   points  minutes that are kept        causes  failures by cause, in fields of
--                                                their own that BullMQ does not read
local function count_ends(kind, ended, points, causes)
  local key = base .. 'metrics:' .. kind
  for cause, count in pairs(causes or {}) do
    try('HINCRBY', key, 'cause:' .. cause, count)
  end
  local count = try('HINCRBY', key, 'count', ended)
  if type(count) ~= 'number' then
    return
  end
  count = count - ended
  local known = call('HMGET', key, 'prevTS', 'prevCount')
  local since, before = count_of(known[1]), count_of(known[2]) or 0
  if not since then
    call('HSET', key, 'prevTS', now, 'prevCount', 0)
    return
  end
  local minutes = math.min(floor(now / 60000) - floor(since / 60000), points)
  if minutes > 0 then
    -- The count of the minute that was begun, and a zero for each one since.
    local data = key .. ':data'
    try('LPUSH', data, count - before)
    for from = 2, minutes, 5000 do
      local none = {}
      for i = 1, math.min(minutes - from + 1, 5000) do
        none[i] = 0
      end
      try('LPUSH', data, unpack(none))
    end
    try('LTRIM', data, 0, points - 1)
    call('HSET', key, 'prevCount', count, 'prevTS', now)
  end
end
