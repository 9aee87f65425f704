-- Which names cannot be the id of a job, because a key of that name belongs to the
-- queue, to a scheduler or to another job.
local own_keys = { [''] = true, ['delay'] = true, ['priority'] = true }
for _, kind in ipairs(queue_keys) do
  for i = 2, #kind do
    own_keys[kind[i]] = true
  end
end
local parts = { lock = true, logs = true, dependencies = true, processed = true, unsuccessful = true, failed = true,
  corrupt = true }

-- Whether an entry of a list or set can be the id of a job.
local function names_job(queue, id)
  if own_keys[id] then
    return false
  end
  local head, tail = string.match(id, '^([^:]*):'), string.match(id, ':([^:]*)$')
  local odd = parts[tail] or head == 'de' or head == 'dn' or head == 'metrics' or head == 'runner'
    or head == 'repeat' and try('ZSCORE', queue .. 'repeat', string.sub(id, 8))
  -- Still, a hash with a timestamp is a job.
  return not odd or try('HEXISTS', queue .. id, 'timestamp') == 1
end
