-- The keys that begin with a text. Those that have ended are left out.
-- ARGV     2 the text, 3 the key after which to go on or '', 4 most keys
-- returns  1 if there are more, else 0, the last key that was looked at, then the keys
local most = tonumber(ARGV[4])
local from = ARGV[3] ~= '' and '(' .. ARGV[3] or '[' .. key
-- No text in UTF-8 has a byte 255.
local found = call('ZRANGEBYLEX', names, from, '(' .. key .. '\255', 'LIMIT', 0, most + 1)
local more = #found > most
if more then
  found[#found] = nil
end
local page = { more and 1 or 0, found[#found] or '' }
for _, name in ipairs(found) do
  local at = end_of(name)
  if not at or at > now then
    page[#page + 1] = name
  end
end
return page
