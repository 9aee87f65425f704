//! Who a user is: the setting `directory`, then the service at `users_url`.

use std::collections::BTreeMap;

use messaging::provider::Provider;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use runner_sdk::prelude::*;
use serde::Deserialize;

use crate::Channel;

/// The service at `users_url`, whose codes nobody documents.
const USERS: Provider = Provider {
    name: "the users service",
    message: "/message",
    code: "/code",
    transient: "",
    codes: &[],
};

/// The addresses of one person; what else is known of them is not read.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Person {
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) phone: Option<String>,
    /// A member id such as `U012AB3CD`, to mention.
    #[serde(default)]
    pub(crate) slack: Option<String>,
    /// An Expo push token.
    #[serde(default)]
    pub(crate) push: Option<String>,
}

impl Person {
    /// Somebody of whom one address is known.
    pub(crate) fn at(channel: Channel, address: &str) -> Self {
        let mut person = Person::default();
        let field = match channel {
            Channel::Email => &mut person.email,
            Channel::Sms => &mut person.phone,
            Channel::Slack => &mut person.slack,
            Channel::Push => &mut person.push,
        };
        *field = Some(address.to_owned());
        person
    }
}

/// The person, or a rejection that says how to make them known.
pub(crate) fn look_up(user_id: &str) -> Result<Person> {
    find(user_id)?.ok_or_else(|| {
        reject(format!(
            "the user \"{user_id}\" is not known; add them to the setting \"directory\", set \
             \"users_url\", or give the address as `to`"
        ))
    })
}

/// The person, if they are known.
pub(crate) fn find(user_id: &str) -> Result<Option<Person>> {
    let directory: BTreeMap<String, Person> = config::json("directory")?.unwrap_or_default();
    if let Some(person) = directory.get(user_id) {
        return Ok(Some(person.clone()));
    }
    let Some(users_url) = config::get("users_url") else {
        return Ok(None);
    };
    let user_id = utf8_percent_encode(user_id, NON_ALPHANUMERIC).to_string();
    let mut request = http::get(users_url.replace("{userId}", &user_id));
    if let Some(token) = config::secret("USERS_TOKEN") {
        request = request.bearer(&token);
    }
    let response = request.send()?;
    if response.status() == 404 {
        return Ok(None);
    }
    let person = USERS.check(response)?.json()?;
    Ok(Some(person))
}
