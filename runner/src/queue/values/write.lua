-- What those begin with that write: the lock of the job, and what has ended.
-- ARGV     3 id of the job, 4 token of its lock, 5 most keys, 6 most bytes
if try('GET', KEYS[1] .. ARGV[3] .. ':lock') ~= ARGV[4] then
  return { -1 }
end

local function drop(name)
  local size = #name + call('HSTRLEN', values, name)
  call('HDEL', values, name)
  call('ZREM', names, name)
  call('ZREM', ends, name)
  call('HINCRBY', values, '', -size)
end

-- Remove keys that have ended. Each write removes more than it can add.
local function sweep(most)
  for _, name in ipairs(call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, most)) do
    drop(name)
  end
end
sweep(16)

-- The value of the key; false if there is none.
local held = call('HGET', values, key)
if held then
  local at = end_of(key)
  if at and at <= now then
    drop(key)
    held = false
  end
end

-- Which limit this many more keys and bytes would pass; nil if none.
local function passes(keys, bytes)
  if keys > 0 and call('ZCARD', names) + keys > tonumber(ARGV[5]) then
    return { -2 }
  end
  if bytes > 0 and tonumber(call('HGET', values, '') or 0) + bytes > tonumber(ARGV[6]) then
    return { -3 }
  end
end

-- The same, after making room if need be.
local function refusal(keys, bytes)
  if passes(keys, bytes) then
    sweep(1000)
    return passes(keys, bytes)
  end
end

-- The key has another value, and so many bytes more.
local function count(bytes)
  if not held then
    call('ZADD', names, 0, key)
  end
  call('HINCRBY', values, '', bytes)
end

-- Let the key end in so many ms; '' for not at all.
local function let_end(ttl)
  if ttl == '' then
    call('ZREM', ends, key)
  else
    call('ZADD', ends, now + tonumber(ttl), key)
  end
end

-- Write the value, unless that passes a limit.
local function put(value, ttl)
  local bytes = held and #value - #held or #key + #value
  local refused = refusal(held and 0 or 1, bytes)
  if refused then
    return refused
  end
  call('HSET', values, key, value)
  count(bytes)
  let_end(ttl)
end

-- Let Redis remove everything where everything ends, whoever comes after.
local function finish(answer)
  local all = call('ZCARD', names)
  if all == 0 then
    call('DEL', values)
  elseif all == call('ZCARD', ends) then
    local last = call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2]
    for _, of in ipairs({ values, names, ends }) do
      call('PEXPIREAT', of, last)
    end
  else
    for _, of in ipairs({ values, names, ends }) do
      call('PERSIST', of)
    end
  end
  return answer
end
