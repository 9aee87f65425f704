module {{name}}

go 1.26

require (
	runner.dev/contract v0.0.0
	runner.dev/sdk v0.0.0
)

// Written by `runner build`.
replace (
	runner.dev/contract => ./.runner/types
	runner.dev/sdk => ./.runner/sdk
)
