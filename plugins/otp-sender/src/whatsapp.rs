//! WhatsApp through Meta's
//! [Graph API](https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages):
//! an authentication template, which takes the code once for its text and once
//! for its copy button.

use messaging::{Phone, provider};
use runner_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::request::Request;

/// Meta answers with 400 to some of what works later: too many calls (4, 80007,
/// 130429), too many messages (131048), too many to this recipient (131056).
const LATER: [u32; 5] = [4, 80007, 130_429, 131_048, 131_056];

#[derive(Deserialize)]
struct Accepted {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
}

#[derive(Deserialize)]
struct Refused {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    code: u32,
    #[serde(default)]
    is_transient: bool,
}

/// Send the code; the result is Meta's id of the message.
pub(crate) fn send(to: &Phone, request: &Request) -> Result<String> {
    let setting = |key, default: &str| config::get(key).unwrap_or_else(|| default.to_owned());
    let version = setting("graph_version", "v23.0");
    let phone_id = config::require("whatsapp_phone_id")?;
    let code = json!([{ "type": "text", "text": request.otp.as_str() }]);
    let response = http::post(format!(
        "https://graph.facebook.com/{version}/{phone_id}/messages"
    ))
    .bearer(&config::require_secret("WHATSAPP_TOKEN")?)
    .json(&json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to.digits(),
        "type": "template",
        "template": {
            "name": setting("whatsapp_template", "otp"),
            "language": { "code": setting("whatsapp_language", "en_US") },
            "components": [
                { "type": "body", "parameters": code },
                { "type": "button", "sub_type": "url", "index": "0", "parameters": code },
            ],
        },
    }))
    .send()?;
    let later = response
        .json::<Refused>()
        .is_ok_and(|refused| refused.error.is_transient || LATER.contains(&refused.error.code));
    let response =
        provider::check("WhatsApp", response, "/error/message").map_err(
            |failure| match failure {
                Failure::Reject(reason) if later => retry(reason),
                failure => failure,
            },
        )?;
    let accepted: Accepted = response.json()?;
    match accepted.messages.into_iter().next() {
        Some(message) => Ok(message.id),
        None => Err(retry("WhatsApp answered without the id of a message")),
    }
}
