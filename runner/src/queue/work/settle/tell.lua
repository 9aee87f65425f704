-- Have a webhook told of an end of this call. If the queue of deliveries cannot be
-- written, what is in the way is put aside, once.
local function tell_webhook(...)
  local told = pcall(deliver, ...)
  if not told then
    mend_queue((...))
    local why
    told, why = pcall(deliver, ...)
    if not told then
      troubles[#troubles + 1] = 'a webhook is not told of an end: ' .. text_of(why)
    end
  end
end
