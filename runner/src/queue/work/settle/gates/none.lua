-- Stands in for the other files here where a queue has no gates.
local gates = nil
