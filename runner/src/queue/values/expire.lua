-- Say when a key ends.
-- ARGV     7 ms until then, or ''
-- returns  1 done, 0 it holds nothing
if held then
  let_end(ARGV[7])
end
return finish({ held and 1 or 0 })
