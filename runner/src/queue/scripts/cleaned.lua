-- Announce that a clean has ended (BullMQ: cleanJobsInSet, once for each of its
-- calls).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 jobs removed
call('XADD', events, '*', 'event', 'cleaned', 'count', ARGV[1])
return 1
