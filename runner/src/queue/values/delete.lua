-- Remove a key.
-- returns  1 done, 0 it held nothing
if held then
  drop(key)
end
return finish({ held and 1 or 0 })
