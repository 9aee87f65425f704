-- Add one to a count in the hash of a job. What is not a number starts again at 1;
-- what is not a hash stays as it is, and 0 is returned.
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
