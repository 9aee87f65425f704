-- Set or remove a value if the key holds the one that is expected.
-- ARGV     7 ms until it ends or '', 8 whether a value is expected, 9 that value,
--          10 whether there is a new one, 11 that value
-- returns  1 done, 0 another is held, or why not
local expected = ARGV[8] == '1' and ARGV[9]
if held ~= expected then
  return finish({ 0 })
end
if ARGV[10] == '1' then
  return finish(put(ARGV[11], ARGV[7]) or { 1 })
end
if held then
  drop(key)
end
return finish({ 1 })
