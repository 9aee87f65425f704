-- Set or lift a bound of the whole queue in its `meta` (BullMQ's queue:
-- setGlobalConcurrency, setGlobalRateLimit and their removal), and wake a worker that
-- the old bound held back.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 HSET or HDEL  then the fields, with their values for HSET
-- returns  1
call(ARGV[1], metakey, unpack(ARGV, 2))
cap = tonumber(call('HGET', metakey, 'concurrency'))
if call('EXISTS', wait, prioritized) > 0 then
  wake()
end
return 1
