-- Set or lift a bound of the whole queue in its `meta` (BullMQ:
-- setGlobalConcurrency, setGlobalRateLimit and their removal), and wake a worker
-- that waits because of the old one.
-- KEYS[1]  base of the queue's keys
-- ARGV     1 HSET or HDEL  then fields, with their values for HSET
call(ARGV[1], metakey, unpack(ARGV, 2))
cap = tonumber(call('HGET', metakey, 'concurrency'))
if call('EXISTS', wait, prioritized) > 0 then
  wake()
end
return 1
