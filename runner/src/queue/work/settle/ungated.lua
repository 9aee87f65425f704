-- A queue without gates.
local gates = nil
