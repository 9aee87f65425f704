-- Announce that a clean has ended (BullMQ: cleanJobsInSet, once for each of its
-- calls).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 jobs removed
-- First what frees memory: then Redis takes the rest even without any to spare.
call('XTRIM', events, 'MAXLEN', '~', max_events())
call('XADD', events, '*', 'event', 'cleaned', 'count', ARGV[1])
return 1
