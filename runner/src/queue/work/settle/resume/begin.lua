-- What a call has done so far. The rest of the script, up to resume/end.lua, is one
-- function; when Redis refuses something half-way, it is called again and goes on from
-- here. One function costs less than one for each part that may be refused: each would
-- have to hold on to all that it uses.
local so_far = {
  codes = {}, causes = {}, finished = 0, failed = 0, unburied = {}, quarantined = {}, troubles = {},
  -- The end that is being written; finished jobs that are not in their set yet; the
  -- locks and the ids of the ends that are written.
  at = 0, row = {}, free = {}, ours = {},
  -- Jobs that are being taken: nobody has them before the answer is there.
  ids = {},
}

-- `failure`: why it is called again, if it is. It is for an error in one of the two
-- parts that `so_far.stage` names, the ends and the take; any other is the answer.
local function run(failure)
