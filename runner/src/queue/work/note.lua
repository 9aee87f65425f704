-- Write the progress and the log lines of running jobs (BullMQ: updateProgress,
-- addLog), but only while their lock is ours.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: id, token, progress or '', lines to keep, count of lines, lines…
-- returns  positions, from 0, of the jobs whose lock is no longer ours; positions of
--          those that could not be written, each with the reason
local lost, refused, at, n = {}, {}, 1, 0
local function write(key, id, at, lines)
  local progress = ARGV[at + 2]
  if progress ~= '' then
    call('HSET', key, 'progress', progress)
    call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'progress', 'jobId', id, 'data', progress)
  end
  if lines > 0 then
    call('RPUSH', key .. ':logs', unpack(ARGV, at + 5, at + 4 + lines))
    call('LTRIM', key .. ':logs', -tonumber(ARGV[at + 3]), -1)
  end
end
while ARGV[at] do
  local id, lines = ARGV[at], tonumber(ARGV[at + 4])
  local key = base .. id
  if try('GET', key .. ':lock') == ARGV[at + 1] then
    local written, why = pcall(write, key, id, at, lines)
    if not written then
      refused[#refused + 1] = n
      refused[#refused + 1] = type(why) == 'table' and why.err or why
    end
  else
    lost[#lost + 1] = n
  end
  at = at + 5 + lines
  n = n + 1
end
return { lost, refused }
