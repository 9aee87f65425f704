//! WhatsApp through Meta's
//! [Graph API](https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages):
//! an authentication template, which takes the code once for its text and once
//! for its copy button.

use messaging::{Phone, provider};
use runner_sdk::prelude::*;
use serde::Deserialize;
use serde_json::json;

use crate::request::Request;

#[derive(Deserialize)]
struct Accepted {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
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
    let accepted: Accepted = provider::META.check(response)?.json()?;
    match accepted.messages.into_iter().next() {
        Some(message) => Ok(message.id),
        None => Err(retry("WhatsApp answered without the id of a message")),
    }
}
