-- Read what the children of a job left, unless it is more than the job may hold.
-- KEYS[1]  hash: key of the child -> its return value, or why it failed
-- ARGV     1 bytes the job may hold
-- returns  fields and values; their size in bytes if that is more
local size = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  size = size + #field + redis.call('HSTRLEN', KEYS[1], field)
end
if size > tonumber(ARGV[1]) then
  return size
end
return redis.call('HGETALL', KEYS[1])
