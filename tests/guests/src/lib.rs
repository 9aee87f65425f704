//! Components for the tests: one per file of `examples/`.
