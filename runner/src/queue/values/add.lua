-- Add to an integer; a key that holds nothing counts as 0. Redis counts, as numbers of
-- Lua are exact to 2^53 only.
-- ARGV     7 ms until a new key ends or '', 8 what is added
-- returns  1 and the sum, -4 it is no integer, -5 it would not fit, or why not
local room = refusal(held and 0 or 1, held and 20 - #held or #key + 20)
if room then
  return finish(room)
end
local sum = try('HINCRBY', values, key, ARGV[8])
if type(sum) == 'table' then
  return finish({ string.find(sum.err, 'overflow') and -5 or -4 })
end
local text = call('HGET', values, key)
count(held and #text - #held or #key + #text)
if not held then
  let_end(ARGV[7])
end
return finish({ 1, text })
