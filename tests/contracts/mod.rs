//! Contracts: queues whose jobs are functions of a WIT interface. `doors` shows where a
//! payload is checked and what a mistake looks like, `tools` what a contract becomes
//! for producers: TypeScript, JSON Schema and OpenAPI.

mod doors;
mod tools;
