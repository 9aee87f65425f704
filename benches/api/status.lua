-- The jobs 1 to 1000, one after the other.
local id = 0
function request()
  id = id % 1000 + 1
  return wrk.format('GET', '/api/jobs/status/bench/' .. id)
end
