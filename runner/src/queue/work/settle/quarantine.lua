-- Put a job that cannot be run as it is stored into `failed`, with the reason. A key
-- that is not a hash is kept as `<id>:corrupt`; an entry that cannot be the id of a
-- job is noted in `runner:refused`.
local function quarantine(id, reason, runner)
  local key = base .. id
  if names_job(base, id) then
    local kind = call('TYPE', key)['ok']
    if kind ~= 'hash' and kind ~= 'none' then
      call('RENAME', key, key .. ':corrupt')
    end
    call('HSETNX', key, 'name', '')
    call('HSETNX', key, 'data', 'null')
    call('HSETNX', key, 'opts', '{}')
    call('HSETNX', key, 'timestamp', now)
    call('HSET', key, 'failedReason', reason, 'finishedOn', now, 'pb', runner)
    call('ZADD', base .. 'failed', now, id)
    call('XADD', events, '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
    local job = call('HMGET', key, 'deid', 'parent')
    if job[1] then
      release_deduplication(job[1], id)
    end
    if job[2] then
      child_failed(job[2], key, reason)
    end
    call('DEL', key .. ':lock')
  else
    reason = 'it names no job: noted in ' .. base .. 'runner:refused'
    call('HSET', base .. 'runner:refused', id, now_text)
  end
  try('SREM', stalled, id)
  call('LREM', active, -1, id)
  quarantined[#quarantined + 1] = id
  quarantined[#quarantined + 1] = reason
end

-- The same for a job whose key could not be read. If that is a hash, the job is not to
-- blame, and the error goes on.
local function quarantine_key(id, why, runner)
  if call('TYPE', base .. id)['ok'] == 'hash' then
    error(why, 0)
  end
  quarantine(id, 'the key of the job is not a hash', runner)
end
