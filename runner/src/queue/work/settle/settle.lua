-- Write how attempts ended, then take up to n jobs: the worker's whole round in
-- one call. Same keys, fields and events as BullMQ's moveToFinished, retryJob,
-- moveToDelayed, moveJobFromActiveToWait and moveToActive; what a batch needs
-- only once is done once.
--
-- KEYS[1]  base of the queue's keys, `bull:orders:`
-- ARGV     1 token of the jobs taken  2 lock, ms  3 jobs wanted  4 runner
--          5 limiter max or ''  6 limiter duration, ms, or ''  7 1 if jobs left
--          over are to wake another worker  8 ends, then per end: op, id, token, value, a, b, c, attempts, progress, keep logs,
--          count of logs, count of fields, logs…, fields…; then the minutes of
--          metrics that are kept, if they are, and the gates, if there are any
--   op     c completed   value = return value, a/b/c = keep count/age/limit
--          f failed      value = reason,       a/b/c = keep count/age/limit
--          x the same with a copy for the dead letter queue; the fields are the
--            stack traces first, and last of all the base of that queue's keys, this
--            queue's name and the head of the copy's options; after the fields of
--            these two and of w, the cause
--          r retry now   a = LPUSH or RPUSH
--          d delayed     a = delay, ms, b = 1 if the attempt counts
--          w waiting     for its children; f when it never had one, with
--            value = reason, a/b/c = keep count/age/limit; else b when all are done
--          l limited     b, and no job of the queue starts for a ms
--          b back        to the front, the attempt does not count
--          m moved       value = base of the other queue's keys, a = this queue's name
--          p plain: as many as the next value says are completed and kept, jobs that
--            take.lua gave in six values, without a report or a log; then token, keep
--            count, age, limit, `processedOn`, `rv` or '' of all, then id, value of each
-- returns  codes of the ends, jobs (a list of values each, or six values that are
--          not in a list), paused, ms limited for, ms to the next
--          delayed job or -1, now, quarantined ids with their reasons, ids that
--          were not copied to the dead letter queue with the reasons, what else was
--          found and mended
--
-- Whatever the queue and its jobs are made of, the script goes on: an end that cannot
-- be written is undone, what is in its way is put aside (lib/keys.lua), and at the
-- second time the job alone fails; a take that cannot go on puts all back.
--   code   1 completed 2 failed 3 waiting 4 prioritized 5 delayed
--          6 waiting-children 7 moved -1 gone -2 lock lost -9 has failed children

local token, lock_ms, want, runner = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ends, at = tonumber(ARGV[8]), so_far.points_at or 9

local codes, unburied, causes = so_far.codes, so_far.unburied, so_far.causes

-- A row of finished jobs with the same keep policy enters its set at once.
local row = so_far.row
local function end_row()
  if row[1] then
    call('ZADD', row.set, unpack(row))
    if row.age or (row.count and row.count > 0) then
      rarely().keep(row.set, row.count, row.age, row.limit)
    end
    row = {}
    so_far.row = row
  end
end

-- What is refused because of a key of the wrong type is done again without it.
local function twice(what, ...)
  if not pcall(what, ...) then
    rarely().mend()
    what(...)
  end
end

if ends > 0 and not so_far.points_at then
  local starts, ids, keys, tokens, plains, locks, children, c = {}, {}, {}, {}, {}, {}, {}, 0
  local i = 0
  local function begins(start, id, token, plain)
    i = i + 1
    local key = base .. id
    starts[i], ids[i], keys[i], tokens[i], plains[i] = start, id, key, token, plain
    locks[i] = key .. ':lock'
    if plain or ARGV[start] == 'c' then
      children[c + 1] = key .. ':dependencies'
      children[c + 2] = key .. ':unsuccessful'
      c = c + 2
    end
  end
  while i < ends do
    if ARGV[at] == 'p' then
      local plain = {
        count = tonumber(ARGV[at + 3]),
        age = tonumber(ARGV[at + 4]),
        limit = tonumber(ARGV[at + 5]) or 1000,
        started = ARGV[at + 6],
        ran = ARGV[at + 7],
      }
      local last = at + 6 + 2 * tonumber(ARGV[at + 1])
      for start = at + 8, last, 2 do
        begins(start, ARGV[start], ARGV[at + 2], plain)
      end
      at = last + 2
    else
      begins(at, ARGV[at + 1], ARGV[at + 2])
      at = at + 12 + tonumber(ARGV[at + 10]) + tonumber(ARGV[at + 11])
    end
  end
  local held = call('MGET', unpack(locks))
  local no_children = c == 0 or call('EXISTS', unpack(children)) == 0
  -- Whole nodes of a hundred entries go: where thousands are kept, a call of few ends
  -- need not look each time.
  if ends > 8 or now % 8 == 0 or (keep_events or 10000) < 1000 then
    try('XTRIM', events, 'MAXLEN', '~', max_events())
  end

  -- Locks and stall marks of all that are ours, at once.
  local free, ours = so_far.free, so_far.ours

  -- Jobs that end in the order they were taken are the tail of the list. Where
  -- its length decides who may start, each goes by itself.
  local in_order = ends > 1 and not cap and so_far.in_order ~= false
  if in_order then
    local tail = try('LRANGE', active, -ends, -1)
    for i = 1, ends do
      in_order = in_order and tail[ends + 1 - i] == ids[i]
    end
  end
  so_far.in_order = in_order

  local function into(set, id, count, age, limit)
    if row.set ~= set or row.count ~= count or row.age ~= age or row.limit ~= limit then
      end_row()
      row.set, row.count, row.age, row.limit = set, count, age, limit
    end
    row[#row + 1] = now_text
    row[#row + 1] = id
  end

  local function await_children(id)
    call('ZADD', base .. 'waiting-children', now_text, id)
    call('XADD', events, '*', 'event', 'waiting-children', 'jobId', id, 'prev', 'active')
    return 6
  end

  -- Nothing of a plain job needs to be known: no parent, no deduplication, and ids
  -- that are numbers are given by the queue alone, so none was added since.
  local function complete(id, key, value, plain)
    local written
    if plain.ran == '' then
      written = try('HSET', key, 'atm', '1', 'returnvalue', value, 'finishedOn', now_text, 'processedOn', plain.started)
    else
      written = try('HSET', key, 'atm', '1', 'returnvalue', value, 'finishedOn', now_text, 'processedOn', plain.started,
        'rv', plain.ran)
      written = type(written) == 'number' and written - 1 or written
    end
    if type(written) == 'table' then
      rarely().quarantine_key(id, written.err, runner)
      return 2
    elseif written == 4 then
      -- Even `processedOn` is new: there was no job.
      call('DEL', key)
      return -1
    end
    into(base .. 'completed', id, plain.count, plain.age, plain.limit)
    call('XADD', events, '*', 'event', 'completed', 'jobId', id, 'returnvalue', value, 'prev', 'active')
    so_far.finished = so_far.finished + 1
    return 1
  end

  if failure then
    -- What is in the way of an end is put aside; at the second time the job fails.
    local i = so_far.at
    local id = ids[i]
    rarely().mend()
    if row[#row] == id then
      row[#row], row[#row - 1] = nil, nil
    end
    if ours[#ours] == id then
      ours[#ours], free[#free] = nil, nil
    end
    rarely().take_out(id)
    if not in_order then
      call('LREM', active, 0, id)
      call('RPUSH', active, id)
    end
    if so_far.again ~= i then
      rarely().mend_job(keys[i])
      so_far.again, so_far.at = i, i - 1
    elseif rarely().is_forbidden(failure) then
      -- It is not the job's fault.
      return redis.error_reply(text_of(failure))
    else
      codes[i] = 2
      rarely().quarantine(id, 'its end could not be written: ' .. text_of(failure), runner)
    end
    failure = nil
  end

  so_far.stage = 'ends'
  while so_far.at < ends do
    local i = so_far.at + 1
    so_far.at = i
    local s, id, key, lock, plain = starts[i], ids[i], keys[i], locks[i], plains[i]
    local ours_yet = held[i] == tokens[i]
    local code
    local awaited = plain and ours_yet and not no_children and
        (call('SCARD', key .. ':dependencies') > 0 and 6 or call('ZCARD', key .. ':unsuccessful') > 0 and -9)
    local job = ours_yet and not plain and try('HMGET', key, 'name', 'parentKey', 'parent', 'deid', 'atm', 'priority')
    if plain and awaited == -9 then
      code = -9
    elseif plain and ours_yet then
      if not in_order and call('LREM', active, -1, id) == 0 and not rarely().is_nowhere(id) then
        -- Not active although the lock is ours: somebody moved it by hand.
        code = -2
        call('DEL', lock)
      else
        code = awaited and await_children(id) or complete(id, key, ARGV[s + 1], plain)
        -- What is quarantined has been taken out of everything.
        if code ~= 2 then
          free[#free + 1] = lock
          ours[#ours + 1] = id
        end
      end
    elseif not job then
      code = -2
    elseif job.err then
      code = 2
      rarely().quarantine_key(id, job.err, runner)
    elseif not job[1] then
      code = -1
      call('DEL', lock)
      call('LREM', active, -1, id)
    else
      local op = ARGV[s]
      local first = s + 12 + tonumber(ARGV[s + 10])
      local last = first - 1 + tonumber(ARGV[s + 11])
      local target_code
      if op == 'w' then
        if call('ZCARD', key .. ':unsuccessful') > 0 then
          target_code = -9
        elseif call('SCARD', key .. ':dependencies') == 0 then
          local had = call('EXISTS', key .. ':processed', key .. ':failed') > 0 or call('HEXISTS', key, 'fc') == 1
          op = had and 'b' or 'f'
        end
      elseif op == 'l' then
        rarely().limit_all(tonumber(ARGV[s + 4]))
      end
      if op == 'c' and not no_children then
        if call('SCARD', key .. ':dependencies') > 0 then
          op = 'w'
        elseif call('ZCARD', key .. ':unsuccessful') > 0 then
          target_code = -9
        end
      end
      if target_code then
        code = target_code
      elseif not in_order and call('LREM', active, -1, id) == 0 and not rarely().is_nowhere(id) then
        -- Not active although the lock is ours: somebody moved it by hand.
        code = -2
        call('DEL', lock)
      else
        free[#free + 1] = lock
        ours[#ours + 1] = id

        local progress, logs = ARGV[s + 8], tonumber(ARGV[s + 10])
        if progress ~= '' then
          call('HSET', key, 'progress', progress)
          call('XADD', events, '*', 'event', 'progress', 'jobId', id, 'data', progress)
        end
        if logs > 0 then
          call('RPUSH', key .. ':logs', unpack(ARGV, s + 12, s + 11 + logs))
          call('LTRIM', key .. ':logs', -tonumber(ARGV[s + 9]), -1)
        end
        local value = ARGV[s + 3]
        local made = (count_of(job[5]) or 0) + 1
        local kept_for_copy = false
        if op == 'x' then
          op, last = 'f', last - 3
          local stored = call('HMGET', key, 'data', 'opts')
          -- When the dead letter queue cannot be written (a key of the wrong type), the
          -- job stays in `failed` and is copied from there by a call of its own.
          local buried, why = pcall(rarely().bury, ARGV[last + 1], ARGV[last + 2], id, now, job[1], stored[1] or 'null',
            stored[2] or '{}', ARGV[last + 3], value, ARGV[first + 1])
          if not buried then
            kept_for_copy = true
            unburied[#unburied + 1] = id
            unburied[#unburied + 1] = type(why) == 'table' and why.err or why
          end
        end
        if op == 'c' or op == 'f' then
          code = 1
          local cause
          if op == 'f' then
            code = 2
            cause, last = ARGV[last], last - 1
          end
          local parent = job[2] or ''
          if job[4] then
            rarely().release_deduplication(job[4], id)
          end
          if op == 'c' then
            if parent ~= '' then
              rarely().child_completed(parent, key, value)
            end
          elseif job[3] then
            -- It looks whether the parent has failed.
            end_row()
            rarely().child_failed(job[3], key, value)
          end
          local state = op == 'c' and 'completed' or 'failed'
          local name = op == 'c' and 'returnvalue' or 'failedReason'
          local count, age, limit = tonumber(ARGV[s + 4]), tonumber(ARGV[s + 5]), tonumber(ARGV[s + 6]) or 1000
          local set = base .. state
          if count == 0 and not kept_for_copy then
            rarely().remove_keys(key)
            if parent ~= '' then
              rarely().forget_child(key, parent)
            end
          else
            into(set, id, count, age, limit)
            call('HSET', key, 'atm', job[5] and made or '1', name, value, 'finishedOn', now_text,
              unpack(ARGV, first, last))
            if op == 'f' then
              call('HDEL', key, 'defa', 'crs')
            end
          end
          call('XADD', events, '*', 'event', state, 'jobId', id, name, value, 'prev', 'active')
          if op == 'f' and made >= tonumber(ARGV[s + 7]) then
            call('XADD', events, '*', 'event', 'retries-exhausted', 'jobId', id, 'attemptsMade', made)
          end
          so_far.finished = so_far.finished + 1
          if cause then
            so_far.failed = so_far.failed + 1
            causes[cause] = (causes[cause] or 0) + 1
          end
        elseif op == 'd' then
          code = 5
          so_far.any_delayed = true
          local delay = tonumber(ARGV[s + 4])
          local due = now + delay
          if ARGV[s + 5] == '1' then
            call('HSET', key, 'atm', made, 'delay', ARGV[s + 4], unpack(ARGV, first, last))
          else
            call('HSET', key, 'delay', ARGV[s + 4], unpack(ARGV, first, last))
          end
          call('ZADD', delayed, delayed_score(delayed, due), id)
          call('XADD', events, '*', 'event', 'delayed', 'jobId', id, 'delay', due)
        elseif op == 'm' then
          code = 7
          local stored = call('HMGET', key, 'data', 'opts')
          rarely().move(value, ARGV[s + 4], id, job, stored[1] or 'null', stored[2] or '{}')
          if job[4] then
            rarely().release_deduplication(job[4], id)
          end
          rarely().remove_keys(key)
          call('XADD', events, '*', 'event', 'removed', 'jobId', id, 'prev', 'active')
        elseif op == 'w' then
          code = await_children(id)
        else
          local priority = priority_of(job[6])
          if op == 'r' then
            -- What has fallen due before goes first.
            rarely().promote(nil, runner)
            call('HSET', key, 'atm', made, unpack(ARGV, first, last))
          end
          if priority == 0 then
            code = 3
            call(op == 'r' and ARGV[s + 4] or 'RPUSH', target, id)
          else
            code = 4
            call('ZADD', prioritized, op == 'r' and priority_score(base, priority) or priority * 4294967296, id)
          end
          wake()
          call('XADD', events, '*', 'event', 'waiting', 'jobId', id, 'prev', 'active')
        end
      end
    end
    codes[i] = code
  end
  so_far.stage = nil
  twice(end_row)
  -- They are where they belong: now they are active no longer.
  if in_order and #ours == ends then
    twice(call, 'RPOP', active, ends)
  elseif in_order then
    for _, id in ipairs(ours) do
      twice(call, 'LREM', active, -1, id)
    end
  end
  if ours[1] then
    twice(call, 'DEL', unpack(free))
    try('SREM', stalled, unpack(ours))
  end
  if gates then
    local left = {}
    for i = 1, ends do
      -- Who goes back to the front keeps its gates: it is the next.
      local op = not plains[i] and ARGV[starts[i]]
      if codes[i] ~= -2 and codes[i] ~= -9 and op ~= 'b' and op ~= 'l' then
        left[#left + 1] = ids[i]
      end
    end
    if left[1] then
      twice(gates.leave, left)
    end
  end
  so_far.points_at = at
end
