//! Small plugins for the tests: see `examples/`.
