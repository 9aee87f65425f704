-- Parked jobs (work/settle/gates/): `runner:parked` keeps the score of each in
-- `delayed`, and its gate, as `<score> <gate>`.
local parked_jobs = base .. 'runner:parked'

-- The two of a job; nil when it is not parked.
local function place_of(id)
  return string.match(call('HGET', parked_jobs, id) or '', '^(%S+) (.*)$')
end

-- Whether the job is still where it was parked: nobody promoted or delayed it since.
local function is_parked(id)
  local score, due = call('ZSCORE', delayed, id), place_of(id)
  return score and due and tonumber(score) == tonumber(due)
end
