-- Set fields of a running job, but only while its lock is ours.
-- KEYS[1]  key of the job
-- ARGV     1 token, then field and value of each
-- returns  1 written, 0 the lock is not ours
if redis.pcall('GET', KEYS[1] .. ':lock') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
