-- Have a webhook told how a job has ended: a job of the queue of deliveries, whose
-- name is that of the webhook. Its id names the end, so that each is told once, however
-- often this is called.
--   queue  base of the keys of the queue of deliveries  from  name of the job's queue
--   head   payload of the delivery up to when the job ended (tell/delivery.rs)
--   opts   options of the delivery, without the last brace
local function deliver(queue, from, id, ended_at, webhook, opts, head)
  ended_at = string.format('%.0f', ended_at)
  local delivery = string.gsub(from .. '-' .. id .. '-' .. ended_at .. '-' .. webhook, ':', '-')
  add_beside(queue, delivery, webhook, head .. ',"finishedOn":' .. ended_at .. '}}', opts)
end
