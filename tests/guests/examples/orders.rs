//! Counts what is ordered, by contract and as a handler that parses JSON itself:
//! for `benches/contract.rs`.

runner_sdk::contract!({ path: ["../../wit/runner", "wit/orders.wit"], world: "test:orders/shop" });

use exports::test::orders::orders::{Guest, Order};
use runner_sdk::bindings::exports::runner::plugin::handler::{Failure, Guest as Handler, Job};

struct Orders;

impl Guest for Orders {
    fn count(data: Order) -> u32 {
        data.items.iter().map(|item| item.quantity).sum()
    }

    fn measure(data: Vec<u8>) -> u32 {
        data.len() as u32
    }
}

runner_sdk::serve!(Orders);

/// The types of the contract as serde reads them.
mod json {
    #![allow(dead_code, reason = "all fields are read, few are used")]
    use serde::Deserialize;

    #[derive(Deserialize)]
    pub(crate) struct Address {
        street: String,
        city: String,
        zip: String,
        country: String,
    }

    #[derive(Deserialize)]
    pub(crate) struct Customer {
        id: u64,
        name: String,
        email: String,
        phone: Option<String>,
        address: Address,
    }

    #[derive(Deserialize)]
    pub(crate) struct Item {
        product: String,
        sku: String,
        pub(crate) quantity: u32,
        price: f64,
        gift: bool,
        tags: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) struct Order {
        id: String,
        created_at: u64,
        customer: Customer,
        pub(crate) items: Vec<Item>,
        coupon: Option<String>,
        paid: bool,
    }
}

impl Handler for Orders {
    fn handle(job: Job) -> Result<Option<String>, Failure> {
        if job.name == "skip" {
            return Ok(Some("0".into()));
        }
        let order: json::Order =
            serde_json::from_str(&job.data).map_err(|error| Failure::Reject(error.to_string()))?;
        let count: u32 = order.items.iter().map(|item| item.quantity).sum();
        Ok(Some(count.to_string()))
    }
}

runner_sdk::export!(Orders);
