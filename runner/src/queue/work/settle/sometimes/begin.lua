-- The same for what more calls need, and is little: to remove finished jobs, to let
-- delayed ones wait, to wait for children, to limit the queue. The files up to
-- sometimes/end.lua are inside `sometimes`.
local some
local function sometimes()
  if some then
    return some
  end
  local function forget_child(child, parent)
    rarely().forget_child(child, parent)
  end
