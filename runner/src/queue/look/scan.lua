-- The next jobs of one list or set, with some of their fields. Reads only, and no more
-- than Redis can do in about a millisecond.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 the key of the list or set without base  2 'list', 'up' or 'down'
--          3 how many jobs  4 how many bytes of fields, if there is more than one job
--          5 how many fields  then their names  then where to go on:
--          list: how many jobs from its end have been looked at, how many of them to look
--                through for the last ones, and the last ones, oldest first; none at the
--                beginning
--          set:  the score and the id of the last one, both '' at the beginning; then the
--                score to begin at, if there is one
-- returns  how many from the beginning have been looked at now; whether there is nothing
--          behind them; then for each job its id, its score ('' in a list) and its fields.
--          Or, if the last ones of a list are not there: -1, and how long it is
local call, try = redis.call, redis.pcall
local key, kind, size, bytes = KEYS[1] .. ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local fields = {}
for at = 6, 5 + ARGV[5] do
  fields[#fields + 1] = ARGV[at]
end
local rest = 6 + ARGV[5]
local from, ids, scores = 0, nil, {}

-- How many of a list are before what has not been looked at: whoever left it from its end
-- is not counted any more, and whoever came there is.
local function place(looked, window)
  local last = {}
  for at = rest + 2, #ARGV do
    last[ARGV[at]] = true
  end
  if next(last) == nil then
    return looked
  end
  local nearest = call('LINDEX', key, -looked)
  if nearest and nearest == ARGV[#ARGV] then
    return looked
  end
  -- The furthest of them, from a little behind the place where it was.
  local first, behind = math.max(0, looked - window), looked + math.floor(window / 4)
  local near = call('LRANGE', key, -behind, -first - 1)
  for at = 1, #near do
    if last[near[at]] then
      return first + #near - at + 1
    end
  end
  return -1
end

if kind == 'list' then
  from = place(tonumber(ARGV[rest]), tonumber(ARGV[rest + 1]))
  if from < 0 then
    return { -1, call('LLEN', key) }
  end
  local page = call('LRANGE', key, -from - size, -from - 1)
  ids = {}
  for at = #page, 1, -1 do
    ids[#ids + 1] = page[at]
  end
else
  local score, id, begin = ARGV[rest], ARGV[rest + 1], ARGV[rest + 2]
  local down = kind == 'down'
  if score ~= '' then
    local rank = call(down and 'ZREVRANK' or 'ZRANK', key, id)
    if rank and call('ZSCORE', key, id) == score then
      from = rank + 1
    elseif down then
      -- It has gone; those with its score are looked at again.
      from = call('ZCOUNT', key, '(' .. score, '+inf')
    else
      from = call('ZCOUNT', key, '-inf', '(' .. score)
    end
  elseif begin and down then
    from = call('ZCOUNT', key, '(' .. begin, '+inf')
  elseif begin then
    from = call('ZCOUNT', key, '-inf', '(' .. begin)
  end
  local page = call(down and 'ZREVRANGE' or 'ZRANGE', key, from, from + size - 1, 'WITHSCORES')
  ids = {}
  for at = 1, #page, 2 do
    ids[#ids + 1] = page[at]
    scores[#ids] = page[at + 1]
  end
end

local reply, held, looked = { 0, 0 }, 0, 0
for at = 1, #ids do
  local values = {}
  if #fields > 0 then
    values = try('HMGET', KEYS[1] .. ids[at], unpack(fields))
    if values.err then
      values = {}
    end
  end
  reply[#reply + 1] = ids[at]
  reply[#reply + 1] = scores[at] or ''
  for field = 1, #fields do
    local value = values[field] or false
    reply[#reply + 1] = value
    held = held + (value and #value or 0)
  end
  looked = at
  if held > bytes then
    break
  end
end
reply[1] = from + looked
reply[2] = (looked == #ids and #ids < size) and 1 or 0
return reply
