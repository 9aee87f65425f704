-- A job that cannot be run as it is stored goes to `failed` with the reason;
-- a key that is not a hash is kept under `<id>:corrupt`.
local function quarantine(id, reason, runner)
  local key = base .. id
  local kind = call('TYPE', key)['ok']
  if kind ~= 'hash' and kind ~= 'none' then
    call('RENAME', key, key .. ':corrupt')
  end
  call('DEL', key .. ':lock')
  call('SREM', stalled, id)
  call('LREM', active, -1, id)
  local deid = call('HGET', key, 'deid')
  if deid then
    release_deduplication(deid, id)
  end
  call('HSETNX', key, 'name', '')
  call('HSETNX', key, 'data', 'null')
  call('HSETNX', key, 'opts', '{}')
  call('HSETNX', key, 'timestamp', now)
  call('HSET', key, 'failedReason', reason, 'finishedOn', now, 'pb', runner)
  call('ZADD', base .. 'failed', now, id)
  call('XADD', events, '*', 'event', 'failed', 'jobId', id, 'failedReason', reason, 'prev', 'active')
  quarantined[#quarantined + 1] = id
  quarantined[#quarantined + 1] = reason
end
