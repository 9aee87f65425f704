//go:build wasip1

// So that the compiler takes a function without a body.
