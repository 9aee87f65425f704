-- What a call has done so far. All of it is one function, which is called again when
-- Redis refuses something half-way: it goes on from here. One function costs less
-- than one for each part that may be refused, as each would hold on to all it uses.
local so_far = {
  codes = {}, causes = {}, finished = 0, failed = 0, unburied = {}, quarantined = {}, troubles = {},
  -- The end that is being written; the rows and the locks of those that were.
  at = 0, row = {}, free = {}, ours = {},
  -- Jobs that are taken, in nobody's hands until they are in the answer.
  ids = {},
}

-- `failure`: why it is called again, if it is. That is so in the two parts that
-- `so_far.stage` names, the ends and the take; an error elsewhere is the answer.
local function run(failure)
