-- Let no worker start a job for some ms (BullMQ: worker.rateLimit). A worker without
-- a limiter has no reason to read that key, so a field of `meta` tells it to.
local function limit_all(ms)
  call('SET', base .. 'limiter', '9007199254740991', 'PX', ms)
  try('HSET', metakey, 'runner:limited', 1)
  meta[7] = '1'
end

-- For how many more ms that lasts.
local function limited_for()
  local ttl = meta[7] and call('PTTL', base .. 'limiter') or 0
  if meta[7] and ttl <= 0 then
    try('HDEL', metakey, 'runner:limited')
  end
  return math.max(ttl, 0)
end
