//! What an operator or a program can ask for and do: one file or folder per noun, typed
//! questions and answers over the rooms below. The command line prints what the API
//! sends, and both only parse, ask and show. Knows neither terminals nor HTTP.

pub mod add;
pub mod audit;
pub mod brief;
pub mod cover;
pub mod cursor;
pub mod error;
pub mod filter;
pub mod here;
pub mod hosts;
pub mod jobs;
pub mod letters;
pub mod plugins;
pub mod queues;
pub mod raw;
pub mod routes;
pub mod schedules;
pub mod search;
pub mod secrets;
pub mod view;

pub use self::error::{Class, Error, Kind, Refusal, Refused, Result};
pub use self::here::{Here, undeclared};
