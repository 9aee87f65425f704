//! Statements of plugins in the databases they are granted.
