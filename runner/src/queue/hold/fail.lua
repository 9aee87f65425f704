-- Fail jobs from outside, because they are cancelled or expired. A job that no worker
-- holds fails at once, in whatever state it waits; for a job that a Runner holds, a
-- wish is left that names this attempt, and its process finds it.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 reason  2 ms a wish is kept, '' to leave jobs that run alone
--          3 what they are counted as  4 digits of the boot in a lock of ours
--          5 minutes of metrics that are kept, or ''  then ids
-- returns  for each id what became of it, and a text:
--          0 no such job  1 failed, state before  2 a wish was left, lock token
--          3 has ended, state  4 another worker holds it, lock token
--          5 it is the next run of a scheduler  6 it has been started before
local reason, lasts, cause = ARGV[1], ARGV[2], ARGV[3]
local boot_digits, points = tonumber(ARGV[4]), tonumber(ARGV[5])

local function ended(id)
  for _, set in ipairs({ 'completed', 'failed' }) do
    if call('ZSCORE', base .. set, id) then
      return set
    end
  end
end

local function fail(id, key, job)
  local prev = take_out(base, id)
  call('DEL', key .. ':lock')
  call('SREM', stalled, id)
  call('HSET', key, 'failedReason', reason, 'finishedOn', now_text)
  call('HDEL', key, 'defa')
  if lasts == '' then
    -- As if it had been started: when it is retried, it does not expire again.
    count_up(key, 'ats')
  end
  call('ZADD', base .. 'failed', now_text, id)
  if job[2] then
    release_deduplication(job[2], id)
  end
  if job[3] then
    child_failed(job[3], key, reason)
  end
  call('XADD', events, 'MAXLEN', '~', max_events(), '*', 'event', 'failed', 'jobId', id, 'failedReason', reason,
    'prev', prev)
  return prev
end

local failed, answers = 0, {}
for at = 6, #ARGV do
  local id = ARGV[at]
  local key = base .. id
  local job = try('HMGET', key, 'rjk', 'deid', 'parent', 'ats')
  local code, text = 0, ''
  if job.err or call('EXISTS', key) == 0 or not names_job(base, id) then
    code = 0
  elseif ended(id) then
    code, text = 3, ended(id)
  elseif is_next_run(id, job[1]) then
    code = 5
  elseif lasts == '' and job[4] then
    code = 6
  else
    local token = try('GET', key .. ':lock')
    if type(token) ~= 'string' then
      code, text = 1, fail(id, key, job)
      failed = failed + 1
    elseif lasts == '' then
      code = 6
    else
      -- <runner>:<boot>:<sequence>; Node's are <uuid> or <uuid>:<sequence>.
      local boot = string.match(token, ':(%x+):%d+$')
      code, text = 4, token
      if boot and #boot == boot_digits then
        code = 2
        call('SET', base .. 'runner:cancel:' .. id, token .. '\n' .. reason, 'PX', lasts)
      end
    end
  end
  answers[#answers + 1] = code
  answers[#answers + 1] = text
end
if points and failed > 0 then
  count_ends('failed', failed, points, { [cause] = failed })
end
return answers
