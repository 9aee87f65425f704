-- Set a value.
-- ARGV     7 ms until it ends or '', 8 the value
-- returns  1, or why not
return finish(put(ARGV[8], ARGV[7]) or { 1 })
