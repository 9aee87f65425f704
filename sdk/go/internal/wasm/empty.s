//go:build wasip1

// So that the compiler takes functions without a body.
