-- Copy a job that has failed to its dead letter queue, by a call of its own:
-- where another script failed the job, or the settle could not write there.
-- KEYS[1]  base of the dead letter queue's keys
-- ARGV     queue, id, ms of the failure, name, data, options, head, reason, stacktrace
bury(base, ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
