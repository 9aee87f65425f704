-- Remove jobs from whatever state they are in, with their children (BullMQ:
-- removeJob, removeJobWithChildren).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 '1' to remove children, too  then ids
-- returns  for each id: 1 removed, 0 no such job, -1 it or a child to be removed is
--          locked, -2 it is the next run of a scheduler
local with_children = ARGV[1] == '1'

local remove
local removed = {}

local function remove_children(key)
  local children = {}
  for _, hash in ipairs({ ':processed', ':failed' }) do
    for _, child in ipairs(try('HKEYS', key .. hash)) do
      children[#children + 1] = child
    end
  end
  for _, child in ipairs(try('ZRANGE', key .. ':unsuccessful', 0, -1)) do
    children[#children + 1] = child
  end
  for _, child in ipairs(try('SMEMBERS', key .. ':dependencies')) do
    children[#children + 1] = child
  end
  for _, child in ipairs(children) do
    local queue, id = split(child)
    if queue and not removed[child] then
      remove(queue, id, key)
    end
  end
end

remove = function(queue, id, parent)
  local key = queue .. id
  removed[key] = true
  local job = try('HMGET', key, 'parentKey', 'deid')
  parent = parent or job[1]
  if parent and parent ~= '' and call('EXISTS', parent) == 1 then
    forget_child(key, parent)
  end
  if with_children then
    remove_children(key)
  end
  local prev = take_out(queue, id)
  forget_deduplication(queue, id, job[2])
  remove_told(queue, id, prev)
end

local codes = {}
for at = 2, #ARGV do
  local id = ARGV[at]
  local key = base .. id
  local code = 1
  if call('EXISTS', key) == 0 then
    code = 0
  else
    local scheduler = try('HGET', key, 'rjk')
    if type(scheduler) == 'string' and is_next_run(id, scheduler) then
      code = -2
    elseif call('EXISTS', key .. ':lock') == 1 or with_children and is_locked(key, {}) then
      code = -1
    elseif not names_job(base, id) then
      -- A key of something else, which stays: there is an entry of its name at most.
      code = take_out(base, id) ~= 'unknown' and 1 or 0
    else
      remove(base, id, nil)
    end
  end
  codes[#codes + 1] = code
end
return codes
