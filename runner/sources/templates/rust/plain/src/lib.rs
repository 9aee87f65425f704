//! {{name}}: greets people.

use runner_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Person {
    name: String,
}

#[derive(Debug, PartialEq, serde::Serialize)]
struct Greeted {
    greeting: String,
}

/// Called for each job of the plugin's queues. An error with `?` is a retry;
/// `reject`, `retry_after`, `snooze` and others say otherwise.
fn handle(job: Job) -> Result<Greeted> {
    let person: Person = job.data()?;
    log::info!(attempt = job.attempt, "greeting {}", person.name);
    Ok(Greeted {
        greeting: format!("hello {}", person.name),
    })
}

runner_sdk::handler!(handle);

#[cfg(test)]
mod tests {
    use runner_sdk::testing::{Host, job};

    use super::*;

    #[test]
    fn a_person_is_greeted() {
        let host = Host::new();
        let greeted = handle(job("hello", r#"{ "name": "Ada" }"#));
        let greeting = "hello Ada".to_owned();
        assert_eq!(greeted, Ok(Greeted { greeting }));
        assert_eq!(host.logs()[0].to_string(), "greeting Ada attempt=1");
    }
}
