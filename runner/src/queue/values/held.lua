-- The values of a plugin in its queue: a hash of them, their names in the order of
-- their bytes, and when those end that do. The empty field of the hash, which no key
-- has, counts the bytes of all keys and values.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 plugin, 2 key
local call, try = redis.call, redis.pcall
local values = KEYS[1] .. 'runner:kv:' .. ARGV[1]
local names, ends = values .. ':names', values .. ':ends'
local key = ARGV[2]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- When a key ends; nil if it stays.
local function end_of(name)
  local at = call('ZSCORE', ends, name)
  return at and tonumber(at) or nil
end
