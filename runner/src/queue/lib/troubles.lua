-- What was found and mended, in words for the log.
local troubles = {}
