-- Let a job wait for its children; returns the code of that.
local function await_children(id)
  call('ZADD', base .. 'waiting-children', now_text, id)
  call('XADD', events, '*', 'event', 'waiting-children', 'jobId', id, 'prev', 'active')
  return $WAITING_CHILDREN
end
