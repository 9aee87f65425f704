-- Gates: how many jobs of one name pattern, or of one group, may run at once or
-- start in a time, over all Runners of the queue. A job whose gate is full is
-- parked: BullMQ sees a delayed job that is due in `SAFE` ms, so that nothing
-- strands it; a gate that opens makes the first of its parked jobs wait again.
--
-- A gate is named `name:<pattern>` or `group:<value>`. Below `<base>runner:`
--   holders          hash   running job -> the gates it holds, one a line
--   held:<gate>      set    running jobs
--   started:<gate>   string starts in the window of the group's rate, expires with it
--   parked           hash   parked job -> `<score in delayed> <gate>` (lib/parked.lua)
--   parked:<gate>    zset   parked jobs, in the order in which they are to start
--   parked:order     string the last place given
--   gates            zset   gates with parked jobs, by the ms at which to look again
--
-- ARGV, the last: {"names":[[Lua pattern, pattern, most or false], …],
-- "group":{"path":[…],"concurrency":…,"max":…,"duration":…}}
--
-- Here: which gates a job has to pass, by its name and its data. gate.lua opens and
-- fills them, park.lua parks jobs and lets them wait again, take.lua is what the
-- take of settle calls.
local rules = cjson.decode(ARGV[#ARGV])

-- What bounds a gate: how many jobs at once, how many starts in which time.
local function limit_of(name)
  local group = string.match(name, '^group:')
  if group then
    return rules.group or {}
  end
  for _, rule in ipairs(rules.names) do
    if 'name:' .. rule[2] == name and rule[3] then
      return { concurrency = rule[3] }
    end
  end
  return {}
end

-- The value of a field that occurs once in a payload, near its beginning, as it
-- mostly does. The second value is true when this cannot tell and the whole payload
-- must be decoded, which takes some 10 µs per KiB.
local function first_field(data, field)
  local quoted = '"' .. field .. '"'
  local from, to = string.find(data, quoted, 1, true)
  if not from then
    -- The name of the field may be written with escapes.
    return nil, string.find(data, '\\', 1, true) ~= nil
  elseif from > 1000 or string.find(data, quoted, to, true) then
    return nil, true
  end
  -- Without its strings, what comes before must leave one object open, and no string.
  local before = string.gsub(string.gsub(string.sub(data, 1, from - 1), '\\.', ''), '"[^"]*"', '')
  local _, opened = string.gsub(before, '[{%[]', '')
  local _, closed = string.gsub(before, '[}%]]', '')
  if not string.find(before, '^%s*{') or string.find(before, '"', 1, true) or opened - closed ~= 1 then
    return nil, true
  end
  local value = string.match(data, '^%s*:%s*"([^"\\]*)"', to + 1)
  if value then
    return value
  end
  value = string.match(data, '^%s*:%s*([%w.+-]+)', to + 1)
  if value == 'true' or value == 'false' then
    return value
  elseif value and string.find(value, '^%-?%d') then
    return tonumber(value)
  end
  return nil, value ~= 'null'
end

local function field_of(data, path)
  if not path[2] then
    local value, unread = first_field(data, path[1])
    if not unread then
      return value
    end
  end
  local read, value = pcall(cjson.decode, data)
  if not read then
    return nil
  end
  for _, field in ipairs(path) do
    if type(value) ~= 'table' then
      return nil
    end
    value = value[field]
  end
  return value
end

-- The group that a payload names, if it is text, a number or a boolean.
local function group_of(data)
  local value = field_of(data, rules.group.path)
  if type(value) == 'number' then
    value = string.format('%.17g', value)
  elseif type(value) == 'boolean' then
    value = tostring(value)
  elseif type(value) ~= 'string' then
    return nil
  end
  return (#value > 64 or string.find(value, '%c')) and redis.sha1hex(value) or value
end

-- The gates a job has to pass. The group comes first: a job that several gates hold
-- up is parked at the first, in the order of its group.
local function gates_of(name, data)
  local all = {}
  local group = rules.group and group_of(data)
  if group then
    all[1] = 'group:' .. group
  end
  for _, rule in ipairs(rules.names) do
    if string.find(name, rule[1]) then
      if rule[3] then
        all[#all + 1] = 'name:' .. rule[2]
      end
      break
    end
  end
  return all
end
