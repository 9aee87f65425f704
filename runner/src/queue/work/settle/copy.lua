-- Copy a job that fails here and now to its dead letter queue. ARGV has at `to` the
-- base of that queue's keys, this queue's name and the head of the copy's options.
-- Returns whether the copy is there. If that queue cannot be written (a key of the
-- wrong type), the job stays in `failed` and is copied from there by bury.lua.
local function copy_failed(id, key, name, reason, traces, to)
  local stored = call('HMGET', key, 'data', 'opts')
  local buried, why = pcall(bury, ARGV[to], ARGV[to + 1], id, now, name, stored[1] or 'null', stored[2] or '{}',
    ARGV[to + 2], reason, traces)
  if not buried then
    local unburied = so_far.unburied
    unburied[#unburied + 1] = id
    unburied[#unburied + 1] = type(why) == 'table' and why.err or why
  end
  return buried
end
