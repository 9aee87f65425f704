//! How fast letters are replayed: `10/s`.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A rate, as it was written, with the pause between two jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    text: String,
    pause: Duration,
}

impl Rate {
    /// The pause between two jobs.
    pub fn pause(&self) -> Duration {
        self.pause
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let wrong = || format!("{text:?} is not a rate: write 10/s, 600/m or 100/h");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let unit = match unit {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return Err(wrong()),
        };
        let count: u32 = count.parse().map_err(|_| wrong())?;
        Ok(Rate {
            text: text.to_owned(),
            pause: unit.checked_div(count).ok_or_else(wrong)?,
        })
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Rate, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl PartialSchema for Rate {
    fn schema() -> RefOr<Schema> {
        let rate = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[0-9]+/[smh]$"))
            .examples(["10/s"]);
        rate.into()
    }
}

impl ToSchema for Rate {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_pause_between_two_jobs() {
        let pause = |text: &str| text.parse().map(|rate: Rate| rate.pause());
        assert_eq!(pause("10/s"), Ok(Duration::from_millis(100)));
        assert_eq!(pause("600/m"), Ok(Duration::from_millis(100)));
        assert_eq!(pause("36/h"), Ok(Duration::from_secs(100)));
        for text in ["", "10", "0/s", "-1/s", "1/d", "ten/s"] {
            let wrong = format!("{text:?} is not a rate: write 10/s, 600/m or 100/h");
            assert_eq!(pause(text), Err(wrong));
        }
    }
}
