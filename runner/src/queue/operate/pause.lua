-- Pause or resume the queue (BullMQ: pause). Version 5 keeps the jobs of a paused
-- queue in `paused`, version 6 leaves them in `wait`. Where a rename would overwrite a
-- list, jobs are moved one by one, a bounded number in one call.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 'paused' or 'resumed'  2 most jobs to move  3 '1' to announce it
-- returns  whether the queue was paused before (1, 0); jobs that are still to be moved
local pausing = ARGV[1] == 'paused'
local aside = base .. 'paused'

-- Move the jobs of one list to another, and tell how many are left. The oldest jobs
-- are on the right: they stay before those that came while the queue was paused.
local function move(from, to, out, into)
  if call('EXISTS', from) == 0 then
    return 0
  elseif call('EXISTS', to) == 0 then
    call('RENAME', from, to)
    return 0
  end
  for _ = 1, tonumber(ARGV[2]) do
    if not call('LMOVE', from, to, out, into) then
      return 0
    end
  end
  return call('LLEN', from)
end

local left = 0
if pausing then
  if waiting_list(base, true, meta[6]) == aside then
    left = move(wait, aside, 'RIGHT', 'LEFT')
  end
  -- What frees memory comes first: then Redis takes the rest even if its memory is full.
  call('DEL', marker)
  call('HSET', metakey, 'paused', 1)
  if not paused then
    call('HSET', metakey, 'runner:paused', now_text)
  end
else
  call('HDEL', metakey, 'paused', 'runner:paused')
  left = move(aside, wait, 'LEFT', 'RIGHT')
  if call('EXISTS', wait, prioritized) > 0 then
    call('ZADD', marker, 0, '0')
  else
    wake_when_due(here)
  end
end
if ARGV[3] == '1' then
  call('XADD', events, '*', 'event', ARGV[1])
end
return { paused and 1 or 0, left }
