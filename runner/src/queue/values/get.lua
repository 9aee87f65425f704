-- Read a value.
-- returns  the value and how many ms it stays, -1 for good; nothing if there is none
local value = call('HGET', values, key)
if not value then
  return {}
end
local at = end_of(key)
if at and at <= now then
  return {}
end
return { value, at and at - now or -1 }
