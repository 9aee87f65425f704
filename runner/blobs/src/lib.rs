//! The object stores that plugins are granted.
