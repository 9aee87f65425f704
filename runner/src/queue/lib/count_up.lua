-- Count in the hash of a job; what is no number begins anew.
local function count_up(key, field)
  if call('TYPE', key)['ok'] ~= 'hash' then
    return 0
  end
  local count = try('HINCRBY', key, field, 1)
  if type(count) == 'table' then
    call('HSET', key, field, 1)
    return 1
  end
  return count
end
