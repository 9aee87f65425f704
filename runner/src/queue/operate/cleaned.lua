-- Announce that a clean has ended (BullMQ: cleanJobsInSet, once for each of its
-- calls).
-- KEYS[1]  base of the queue's keys
-- ARGV     1 how many jobs were removed
-- returns  1

-- What frees memory comes first: then Redis takes the rest even if its memory is full.
call('XTRIM', events, 'MAXLEN', '~', max_events())
call('XADD', events, '*', 'event', 'cleaned', 'count', ARGV[1])
return 1
