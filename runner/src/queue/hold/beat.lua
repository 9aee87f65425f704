-- Note that this process is alive, and tell which others have been silent.
-- KEYS[1]  sorted set of processes by the ms of their last beat
-- ARGV     1 this process  2 ms of silence  3 ms after which a process is forgotten
-- returns  of each silent process its name and the ms of its last beat
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1])['ok'] ~= 'zset' then
  -- Nothing else belongs there.
  redis.call('DEL', KEYS[1])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2], 'WITHSCORES')
