-- A script that somebody waits for does nothing beside a key of the wrong type,
-- rather than half of what it was to do.
local function refusal(queue)
  local it = faulty(queue, queue_keys)[1]
  return it and redis.error_reply('WRONGTYPE the key ' .. it[1] .. ' ' .. it[2] .. ': rename it or remove it')
end

local refused = refusal(base)
if refused then
  return refused
end
