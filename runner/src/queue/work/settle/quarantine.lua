-- A job that cannot be run as it is stored goes to `failed` with the reason;
-- a key that is not a hash is kept under `<id>:corrupt`. An entry that can name no
-- job goes to `runner:refused`.
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

-- The same for one whose key could not be read, unless that is not its fault.
local function quarantine_key(id, why, runner)
  if call('TYPE', base .. id)['ok'] == 'hash' then
    error(why, 0)
  end
  quarantine(id, 'the key of the job is not a hash', runner)
end
