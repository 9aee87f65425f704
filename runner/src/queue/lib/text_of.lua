-- The text of an error, without the place in the script that Redis puts before it.
local function text_of(why)
  local text = type(why) == 'table' and why.err or tostring(why)
  return (string.gsub(text, '^[^ ]*user_script:%s*%d+:%s*', ''))
end
