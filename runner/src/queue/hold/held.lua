-- Find the active jobs whose lock token begins with a prefix: one process has them.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 the prefix
-- returns  of each job its id and its token
local base, prefix = KEYS[1], ARGV[1]
local ids, found = redis.pcall('LRANGE', base .. 'active', 0, -1), {}
for from = 1, #ids, 1000 do
  local keys = {}
  for i = from, math.min(from + 999, #ids) do
    keys[#keys + 1] = base .. ids[i] .. ':lock'
  end
  for i, token in ipairs(redis.call('MGET', unpack(keys))) do
    if token and string.sub(token, 1, #prefix) == prefix then
      found[#found + 1] = ids[from + i - 1]
      found[#found + 1] = token
    end
  end
end
return found
