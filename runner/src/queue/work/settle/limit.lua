-- No worker starts a job for so many ms (BullMQ: worker.rateLimit). A worker
-- without a limiter has no reason to read the key, so the settings tell of it.
local function limit_all(ms)
  call('SET', base .. 'limiter', '9007199254740991', 'PX', ms)
  try('HSET', metakey, 'runner:limited', 1)
  meta[7] = '1'
end

-- How long a limit of all workers lasts yet.
local function limited_for()
  local ttl = meta[7] and call('PTTL', base .. 'limiter') or 0
  if meta[7] and ttl <= 0 then
    try('HDEL', metakey, 'runner:limited')
  end
  return math.max(ttl, 0)
end
