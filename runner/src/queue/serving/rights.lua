-- Tell which commands this user may not run on a key of ours. None of them is run.
-- KEYS[1]  a key under the prefix
-- ARGV     names of commands, with a subcommand as a second word
-- returns  those that are forbidden; none where Redis (6) cannot tell
local refused = {}
for _, name in ipairs(redis.acl_check_cmd and ARGV or {}) do
  local words = {}
  for word in string.gmatch(name, '%S+') do
    words[#words + 1] = word
  end
  -- A key in each place where the command may have one.
  for _ = 1, 4 do
    words[#words + 1] = KEYS[1]
  end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then
    refused[#refused + 1] = name
  end
end
return refused
