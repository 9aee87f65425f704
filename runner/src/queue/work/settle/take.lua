-- The second half of settle: jobs for the free slots (BullMQ: moveToActive), then
-- what is due once a call. It goes on where settle.lua stops, and ends with the
-- answer of both. A job that is as it was added is six values in it: name, data,
-- options, timestamp, priority, id. Any other is a list: name, data, options,
-- timestamp, priority, attempts made, starts, stalls, parent, deferred failure,
-- stacktrace, all its fields if it saved checkpoints, scheduler, id.
local jobs, limited, next_at = {}, 0, -1
local held_back = false
local ids = so_far.ids
if failure then
  local mended = rarely().put_back(ids, token)
  if ends == 0 and not mended then
    -- Redis itself refuses, and there is no end to answer.
    return redis.error_reply(text_of(failure))
  end
  -- Take nothing for a second.
  troubles[#troubles + 1] = 'jobs could not be taken: ' .. text_of(failure)
  next_at = 1000
elseif want > 0 then
  so_far.stage = 'take'
  held_back = blocked()

  local due = call('ZRANGEBYSCORE', delayed, 0, (now + 1) * 4096 - 1, 'LIMIT', 0, 1000)
  if due[1] then
    sometimes().promote(due, runner)
  end

  -- As in BullMQ, the queue's `max` overrides the worker's, but its duration does not.
  local max = count_of(meta[3]) or tonumber(ARGV[5])
  local limiter, n = base .. 'limiter', want
  if meta[7] then
    limited = sometimes().limited_for()
  end
  if max and limited == 0 then
    local used = count_of(call('GET', limiter)) or 0
    if used >= max then
      local ttl = call('PTTL', limiter)
      if ttl > 0 then
        limited = ttl
      else
        call('DEL', limiter)
        used = 0
      end
    end
    n = math.min(n, max - used)
  end
  if cap and not paused then
    n = math.min(n, cap - call('LLEN', active))
  end

  local short, more = true
  if limited == 0 and not held_back and n > 0 then
    local popped, moved
    if gates then
      more = gates.take(n, ids)
    elseif n == 1 then
      moved = call('RPOPLPUSH', wait, active)
      popped = moved and { moved }
    else
      popped = call('RPOP', wait, n)
    end
    if popped then
      for _, id in ipairs(popped) do
        -- Ids that begin with `0:` are markers of BullMQ before version 5.
        if string.sub(id, 1, 2) ~= '0:' or call('EXISTS', base .. id) == 1 then
          ids[#ids + 1] = id
        elseif moved then
          call('LREM', active, 1, id)
          moved = nil
        end
      end
    end
    if #ids < n and not gates then
      popped = call('ZPOPMIN', prioritized, n - #ids)
      for i = 1, #popped, 2 do
        ids[#ids + 1] = popped[i]
      end
      if not popped[1] then
        call('DEL', base .. 'pc')
      end
    end

    local tokens = 0
    if ids[1] then
      if not moved then
        call('LPUSH', active, unpack(ids))
      end
      for _, id in ipairs(ids) do
        local key = base .. id
        -- With six fields it is as it was added, without a parent or a past: to ask
        -- for what is not there would cost more than the rest.
        local job, fresh = nil, try('HLEN', key) == 6
        if fresh then
          job = call('HMGET', key, 'name', 'data', 'opts', 'timestamp', 'priority', 'delay')
          fresh = job[1] and job[2] and job[3] and job[4] and job[5] and job[6]
        end
        if not fresh then
          job = try('HMGET', key, 'name', 'data', 'opts', 'timestamp', 'priority', 'atm', 'ats', 'stc', 'parent', 'defa',
            'stacktrace', 'cps', 'rjk')
        end
        if job.err then
          rarely().quarantine_key(id, job.err, runner)
        elseif not (job[1] and job[2] and job[4]) then
          rarely().quarantine(id, 'incomplete job: name, data or timestamp is missing', runner)
        else
          call('SET', key .. ':lock', token, 'PX', lock_ms)
          call('XADD', events, '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
          local ats = not fresh and (count_of(job[7]) or 0) + 1 or '1'
          call('HSET', key, 'processedOn', now_text, 'ats', ats, 'pb', runner)
          if fresh then
            -- A list of its own would cost as much as its six values.
            local n = #jobs
            jobs[n + 1], jobs[n + 2], jobs[n + 3] = job[1], job[2], job[3]
            jobs[n + 4], jobs[n + 5], jobs[n + 6] = job[4], job[5], id
          else
            job[7], job[14] = ats, id
            if job[12] then
              job[12] = call('HGETALL', key)
            end
            jobs[#jobs + 1] = job
          end
          if fresh or not job[10] then
            tokens = tokens + 1
          end
        end
      end
      if max and tokens > 0 then
        local duration = tonumber(ARGV[6]) or count_of(meta[4])
        if call('INCRBY', limiter, tokens) == tokens and duration then
          call('PEXPIRE', limiter, floor(math.abs(duration)))
        end
      end
    end

    short = #ids < n
    if not short and ARGV[7] == '1' and call('EXISTS', wait, prioritized) > 0 and not blocked() then
      -- Another worker may have free slots for the rest. ARGV[7] is not set for a
      -- worker that goes on from its own ends: it has used up no marker.
      call('ZADD', marker, 0, '0')
    end
  end
  -- Delayed jobs fall due even while the queue is paused.
  local at = short and next_delayed(delayed)
  if at then
    next_at = math.max(0, math.ceil(math.min(at - now, 9007199254740991)))
  end
  if gates and short and limited == 0 and not held_back then
    next_at = gates.next(next_at, more)
  end
end

so_far.stage = nil
local finished, failed = so_far.finished, so_far.failed

if so_far.any_delayed and not jobs[1] then
  twice(function()
    local at = next_delayed(delayed)
    if at then
      call('ZADD', marker, at, '1')
    end
  end)
end

if gates and gates.released > 0 and call('EXISTS', wait, prioritized) > 0 then
  twice(wake)
end

if finished > 0 and not jobs[1] and limited == 0 and next_at == -1 and not (want > 0 and held_back) and
    call('EXISTS', wait, active, prioritized) == 0 then
  twice(call, 'XADD', events, '*', 'event', 'drained')
end

local points = tonumber(ARGV[at])
if points then
  if finished > failed then
    twice(count_ends, 'completed', finished - failed, points)
  end
  if quarantined[1] then
    failed = failed + #quarantined / 2
    causes.payload = (causes.payload or 0) + #quarantined / 2
  end
  if failed > 0 then
    twice(count_ends, 'failed', failed, points, causes)
  end
end

return { codes, jobs, paused and 1 or 0, limited, next_at, now, quarantined, so_far.unburied, troubles }
