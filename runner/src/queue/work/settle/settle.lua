-- Write how attempts ended, then take up to n jobs: a worker's whole round in one
-- call. Keys, fields and events are those of BullMQ's moveToFinished, retryJob,
-- moveToDelayed, moveToWaitingChildren, moveJobFromActiveToWait and moveToActive;
-- what a batch needs only once is done once. take.lua is the second half.
--
-- KEYS[1]  base of the queue's keys, such as `bull:orders:`
-- ARGV     1 token for the jobs taken  2 ms of their locks  3 jobs wanted  4 runner
--          5 max of the limiter, or ''  6 its duration in ms, or ''  7 '1' to wake
--          another worker if jobs are left over  8 count of ends; then a row for
--          each end, or for several that are alike; then the deliveries to webhooks,
--          if any: n, how many, base of the keys of their queue, this queue's name,
--          and for each the end (from 1), the code it must have, webhook, options and
--          payload (lib/deliver.lua); then the minutes of metrics to keep, if any, and
--          the gates (gates/rules.lua), if there are any
--   row    op, id, token, value, a, b, c, attempts the job may make, progress or '',
--          log lines to keep, count of log lines, count of fields, the log lines,
--          the fields; these are names and values for the job's hash, and what op adds
--   op     c  completed: value = return value, a b c = how many to keep, seconds to
--             keep them, most to remove in one call; '' for each that is not set
--          f  failed: value = reason, a b c as for c; the last field is the cause
--          x  failed, with a copy for the dead letter queue: as f, but the stack
--             traces are the first field, and behind the cause come the base of that
--             queue's keys, this queue's name and the head of the copy's options
--          r  retried now: a = LPUSH or RPUSH
--          d  delayed: a = ms, b = '1' if the attempt counts
--          w  waits for its children: as f if it never had any; as b if all have ended
--          l  limited: as b, and no job of the queue starts for a ms
--          b  back to the front; the attempt does not count
--          m  moved: value = base of the other queue's keys, a = this queue's name
--          p  plain ones, with a row of their own: p, how many, their token, a b c as
--             for c, their `processedOn`, their `rv` or '', then id, return value and
--             cost of each; no cost without `rv`. They came from take.lua in six values, are completed and kept,
--             and have neither progress nor log lines
-- returns  a list of: the codes of the ends; the jobs taken, each as a list of values
--          or as six values without a list (take.lua); 1 if the queue is paused; ms
--          for which it is limited; ms to the next look, or -1; now; quarantined ids,
--          each with its reason; ids that were not copied to the dead letter queue,
--          each with the reason; what else was found and mended
--   code   $COMPLETED, $GONE, …: wire/shared.rs has all of them
--
-- Whatever the queue and its jobs are made of, the script goes on. An end that cannot
-- be written is undone, what is in its way is put aside (lib/keys.lua), and it is
-- written again; if that fails, too, the job alone fails. A take that cannot go on
-- puts all its jobs back.
--
-- The ends are one long stretch of code: to give each its function would cost every
-- call more than most ends do (rarely/begin.lua).

local token, lock_ms, want, runner = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ends, at = tonumber(ARGV[8]), so_far.points_at or 9

local codes, causes = so_far.codes, so_far.causes

-- Finished jobs that are kept alike enter their set together.
local row = so_far.row
local function end_row()
  if row[1] then
    call('ZADD', row.set, unpack(row))
    if row.age or (row.count and row.count > 0) then
      sometimes().keep(row.set, row.count, row.age, row.limit)
    end
    row = {}
    so_far.row = row
  end
end

-- What a key of the wrong type made Redis refuse is done again without that key.
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
      local last = at + 5 + 3 * tonumber(ARGV[at + 1])
      for start = at + 8, last, 3 do
        begins(start, ARGV[start], ARGV[at + 2], plain)
      end
      at = last + 3
    else
      begins(at, ARGV[at + 1], ARGV[at + 2])
      at = at + 12 + tonumber(ARGV[at + 10]) + tonumber(ARGV[at + 11])
    end
  end
  local held = call('MGET', unpack(locks))
  local no_children = c == 0 or call('EXISTS', unpack(children)) == 0
  -- Redis drops whole nodes of a hundred entries: where thousands are kept, a call
  -- with few ends need not look each time.
  if ends > 8 or now % 8 == 0 or (keep_events or default_events) < 1000 then
    try('XTRIM', events, 'MAXLEN', '~', max_events())
  end

  -- Locks and ids of the ends that are written: all are freed at once.
  local free, ours = so_far.free, so_far.ours

  -- Jobs that end in the order in which they were taken are the tail of the list.
  -- Where its length decides who may start, each is removed by itself.
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

  -- Nothing needs to be known of a plain job. It had no parent and no deduplication,
  -- and got none since: its id is a number, which only the queue itself gives.
  local function complete(id, key, value, spent, plain)
    local written
    if plain.ran == '' then
      written = try('HSET', key, 'atm', '1', 'returnvalue', value, 'finishedOn', now_text, 'processedOn', plain.started)
    else
      written = try('HSET', key, 'atm', '1', 'returnvalue', value, 'finishedOn', now_text, 'processedOn', plain.started,
        'rv', plain.ran, 'at:1', spent)
      written = type(written) == 'number' and written - 2 or written
    end
    if type(written) == 'table' then
      rarely().quarantine_key(id, written.err, runner)
      return $FAILED
    elseif written == 4 then
      -- Even `processedOn` is new: there was no job.
      call('DEL', key)
      return $GONE
    end
    into(base .. 'completed', id, plain.count, plain.age, plain.limit)
    call('XADD', events, '*', 'event', 'completed', 'jobId', id, 'returnvalue', value, 'prev', 'active')
    so_far.finished = so_far.finished + 1
    return $COMPLETED
  end

  if failure then
    local i = so_far.at
    if not rarely().undo(i, ids[i], keys[i], in_order, failure, runner) then
      return redis.error_reply(text_of(failure))
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
      code = $CHILD_FAILED
    elseif plain and ours_yet then
      if not in_order and call('LREM', active, -1, id) == 0 and not rarely().is_nowhere(id) then
        -- Not active although the lock is ours: somebody moved it by hand.
        code = $LOCK_LOST
        call('DEL', lock)
      else
        code = awaited and sometimes().await_children(id) or complete(id, key, ARGV[s + 1], ARGV[s + 2], plain)
        -- A quarantined job has been taken out of everything already.
        if code ~= $FAILED then
          free[#free + 1] = lock
          ours[#ours + 1] = id
        end
      end
    elseif not job then
      code = $LOCK_LOST
    elseif job.err then
      code = $FAILED
      rarely().quarantine_key(id, job.err, runner)
    elseif not job[1] then
      code = $GONE
      call('DEL', lock)
      call('LREM', active, -1, id)
    else
      local op = ARGV[s]
      local first = s + 12 + tonumber(ARGV[s + 10])
      local last = first - 1 + tonumber(ARGV[s + 11])
      local target_code
      if op == 'w' then
        if call('ZCARD', key .. ':unsuccessful') > 0 then
          target_code = $CHILD_FAILED
        elseif call('SCARD', key .. ':dependencies') == 0 then
          local had = call('EXISTS', key .. ':processed', key .. ':failed') > 0 or call('HEXISTS', key, 'fc') == 1
          op = had and 'b' or 'f'
        end
      elseif op == 'l' then
        sometimes().limit_all(tonumber(ARGV[s + 4]))
      end
      if op == 'c' and not no_children then
        if call('SCARD', key .. ':dependencies') > 0 then
          op = 'w'
        elseif call('ZCARD', key .. ':unsuccessful') > 0 then
          target_code = $CHILD_FAILED
        end
      end
      if target_code then
        code = target_code
      elseif not in_order and call('LREM', active, -1, id) == 0 and not rarely().is_nowhere(id) then
        -- Not active although the lock is ours: somebody moved it by hand.
        code = $LOCK_LOST
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
          kept_for_copy = not rarely().copy_failed(id, key, job[1], value, ARGV[first + 1], last + 1)
        end
        if op == 'c' or op == 'f' then
          code = $COMPLETED
          local cause
          if op == 'f' then
            code = $FAILED
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
            -- It looks whether the parent is in `failed`.
            end_row()
            rarely().child_failed(job[3], key, value)
          end
          local state = op == 'c' and 'completed' or 'failed'
          local name = op == 'c' and 'returnvalue' or 'failedReason'
          local count, age, limit = tonumber(ARGV[s + 4]), tonumber(ARGV[s + 5]), tonumber(ARGV[s + 6]) or 1000
          local set = base .. state
          if count == 0 and not kept_for_copy then
            sometimes().remove_keys(key)
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
          code = $DELAYED
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
          code = $MOVED
          rarely().move_away(id, key, job, value, ARGV[s + 4])
        elseif op == 'w' then
          code = sometimes().await_children(id)
        else
          local priority = priority_of(job[6])
          if op == 'r' then
            -- Delayed jobs that are due by now go before it.
            sometimes().promote(nil, runner)
            call('HSET', key, 'atm', made, unpack(ARGV, first, last))
          end
          if priority == 0 then
            code = $WAITING
            call(op == 'r' and ARGV[s + 4] or 'RPUSH', target, id)
          else
            code = $PRIORITIZED
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
  -- All are where they belong: only now do they leave `active`.
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
  if ARGV[at] == 'n' then
    local last = at + 3 + 5 * tonumber(ARGV[at + 1])
    for row = at + 4, last, 5 do
      local i = tonumber(ARGV[row])
      if codes[i] == tonumber(ARGV[row + 1]) then
        rarely().tell_webhook(ARGV[at + 2], ARGV[at + 3], ids[i], now, unpack(ARGV, row + 2, row + 4))
      end
    end
    at = last + 1
  end
  if gates then
    local left = {}
    for i = 1, ends do
      -- A job that goes back to the front keeps its gates: it is the next to start.
      local op = not plains[i] and ARGV[starts[i]]
      if codes[i] ~= $LOCK_LOST and codes[i] ~= $CHILD_FAILED and op ~= 'b' and op ~= 'l' then
        left[#left + 1] = ids[i]
      end
    end
    if left[1] then
      twice(gates.leave, left)
    end
  end
  so_far.points_at = at
end
