-- This process is alive; which others have been silent?
-- KEYS[1]  sorted set of processes by the time of their last beat
-- ARGV     1 this process  2 ms of silence  3 ms after which one is forgotten
-- returns  process, ms of its last beat, …
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1])['ok'] ~= 'zset' then
  -- Whatever it is, it keeps no process from living.
  redis.call('DEL', KEYS[1])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2], 'WITHSCORES')
