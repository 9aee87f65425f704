-- What the children of a job left, unless it is more than the job may hold.
-- KEYS[1]  hash: by the child's key its return value, or its reason
-- ARGV     1 bytes the job may hold
-- returns  fields and values; or the number of bytes there are, when they are more
local size = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  size = size + #field + redis.call('HSTRLEN', KEYS[1], field)
end
if size > tonumber(ARGV[1]) then
  return size
end
return redis.call('HGETALL', KEYS[1])
