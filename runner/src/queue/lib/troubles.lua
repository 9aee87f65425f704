-- What was found and mended.
local troubles = {}
