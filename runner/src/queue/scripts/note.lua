-- Write what running jobs have said: progress and log lines (BullMQ:
-- updateProgress, addLog), but only while their lock is ours.
-- KEYS[1]  base of the queue's keys
-- ARGV     per job: id, token, progress or '', lines to keep, count of lines, lines…
-- returns  positions, from 0, of the jobs whose lock is not ours any more
local lost, at, n = {}, 1, 0
while ARGV[at] do
  local id, progress, lines = ARGV[at], ARGV[at + 2], tonumber(ARGV[at + 4])
  local key = base .. id
  if call('GET', key .. ':lock') == ARGV[at + 1] then
    if progress ~= '' then
      call('HSET', key, 'progress', progress)
      call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'progress', 'jobId', id, 'data', progress)
    end
    if lines > 0 then
      call('RPUSH', key .. ':logs', unpack(ARGV, at + 5, at + 4 + lines))
      call('LTRIM', key .. ':logs', -tonumber(ARGV[at + 3]), -1)
    end
  else
    lost[#lost + 1] = n
  end
  at = at + 5 + lines
  n = n + 1
end
return lost
