-- An operator's call does nothing beside a key of the wrong type, rather than half
-- of what it is to do.
for _, it in ipairs(faulty(base, queue_keys)) do
  return redis.error_reply('WRONGTYPE the key ' .. it[1] .. ' ' .. it[2] .. ': rename it or remove it')
end
