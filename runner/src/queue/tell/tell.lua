-- Have webhooks told of the failure of a job, when a script other than settle failed it
-- (lib/deliver.lua).
-- KEYS[1]  base of the keys of the queue of deliveries
-- ARGV     1 name of the job's queue  2 id  3 ms of the failure, then per webhook: name,
--          options of the delivery, head of its payload
-- returns  nil
for at = 4, #ARGV, 3 do
  deliver(base, ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[at], ARGV[at + 1], ARGV[at + 2])
end
