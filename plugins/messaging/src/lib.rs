//! What the plugins that send messages have in common: addresses that are
//! checked and masked, e-mail through Resend, templates, the words of a
//! provider in a failure, and the event that a message was sent.

mod address;
pub mod provider;
mod receipt;
pub mod resend;
pub mod template;

pub use address::{AddressError, Email, Phone};
pub use receipt::{Receipt, deliver};
