-- Copy a job that has failed to its dead letter queue, when a script other than
-- settle failed it, or settle could not write there (lib/dead_letter.lua).
-- KEYS[1]  base of the dead letter queue's keys
-- ARGV     1 name of the job's queue  2 id  3 ms of the failure  4 name  5 data
--          6 options  7 head of the copy's options  8 reason  9 stacktrace
-- returns  nil
bury(base, ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9])
