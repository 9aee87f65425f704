-- The ids of jobs that were quarantined in this call, each with its reason, and what
-- else was found and mended.
local quarantined, troubles = so_far.quarantined, so_far.troubles

-- What few calls need is made when the first of them asks for it: Redis makes the
-- functions of a script anew in each call, and each costs as much as to read a field
-- of a hash. The files up to rarely/end.lua are inside `rarely`.
local rare
local function rarely()
  if rare then
    return rare
  end
