-- Jobs that were quarantined in this call, each id with its reason, and what else
-- was found and mended.
local quarantined, troubles = so_far.quarantined, so_far.troubles

-- What few calls need is made when one first does: Redis makes the functions of a
-- script anew each time it is run, and each costs as much as a field of a hash.
local rare
local function rarely()
  if rare then
    return rare
  end
