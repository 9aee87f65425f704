module bench-go

go 1.26

require runner.dev/sdk v0.0.0

// Written by `runner build`.
replace runner.dev/sdk => ./.runner/sdk
