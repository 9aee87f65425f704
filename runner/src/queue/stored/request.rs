//! The request id of a payload, by which logs, requests and jobs that belong together
//! are found.

use serde::Deserialize;

/// `requestId`, or else `xRequestId`, of a payload that is an object.
pub fn request_id(data: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ids {
        #[serde(default, deserialize_with = "text")]
        request_id: Option<String>,
        #[serde(default, deserialize_with = "text")]
        x_request_id: Option<String>,
    }
    /// A string; anything else is as good as absent.
    fn text<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
        let value = <&serde_json::value::RawValue>::deserialize(value)?;
        Ok(serde_json::from_str(value.get()).ok())
    }
    // Most payloads have none, and looking for the word is faster than parsing.
    if !data.contains("equestId\"") {
        return None;
    }
    let ids: Ids = serde_json::from_str(data).ok()?;
    ids.request_id.or(ids.x_request_id)
}

/// Carry the request id on: put it in front of an object that has none. Every
/// other byte stays as the plugin wrote it.
pub fn carry(data: String, id: Option<&str>) -> String {
    let Some(id) = id else {
        return data;
    };
    let Some(fields) = data.trim_start().strip_prefix('{') else {
        return data;
    };
    if request_id(&data).is_some() {
        return data;
    }
    let id = serde_json::to_string(id).expect("a string is JSON");
    let comma = if fields.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"requestId\":{id}{comma}{fields}")
}
