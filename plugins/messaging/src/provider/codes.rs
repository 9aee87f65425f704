//! The codes that providers document, and what follows from each.

use super::Provider;
use super::Verdict::{Everyone, Later, Never, Retry};

/// Meta's
/// [WhatsApp Cloud API](https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).
pub const META: Provider = Provider {
    name: "WhatsApp",
    message: "/error/message",
    code: "/error/code",
    transient: "/error/is_transient",
    codes: &[
        // Credentials and permissions.
        ("0", Never),
        ("3", Never),
        ("10", Never),
        ("190", Never),
        ("200", Never),
        // Too much of an application, an account or a number.
        ("4", Everyone(60)),
        ("80007", Everyone(60)),
        ("130429", Everyone(1)),
        // Messages of this number were called spam: the limit falls within a day.
        ("131048", Everyone(3600)),
        // One message in six seconds to the same recipient.
        ("131056", Later(6)),
        ("133016", Never),
        // Integrity.
        ("368", Never),
        ("130497", Never),
        ("131031", Never),
        // Passing troubles of theirs.
        ("1", Retry),
        ("2", Retry),
        ("131000", Retry),
        ("131016", Retry),
        ("131057", Retry),
        ("133000", Retry),
        ("133004", Retry),
        // The request, the recipient or the account.
        ("33", Never),
        ("100", Never),
        ("130472", Never),
        ("131005", Never),
        ("131008", Never),
        ("131009", Never),
        ("131021", Never),
        ("131026", Never),
        ("131037", Never),
        ("131042", Never),
        ("131045", Never),
        ("131047", Never),
        ("131049", Never),
        ("131051", Never),
        ("131052", Never),
        ("131053", Never),
        ("133010", Never),
        ("135000", Never),
        // The template.
        ("132000", Never),
        ("132001", Never),
        ("132005", Never),
        ("132007", Never),
        ("132012", Never),
        ("132015", Never),
        ("132016", Never),
        ("132068", Never),
        ("132069", Never),
    ],
};

/// [Twilio](https://www.twilio.com/docs/api/errors), as its Messages resource
/// answers at once; what happens to a message later is in its status.
pub const TWILIO: Provider = Provider {
    name: "Twilio",
    message: "/message",
    code: "/code",
    transient: "",
    codes: &[
        ("14107", Everyone(1)),
        ("20429", Everyone(1)),
        // The queue of the sender is full: it is worked off by the second.
        ("21611", Everyone(60)),
        ("63018", Everyone(1)),
        // The account's messages of this day are spent.
        ("63038", Everyone(3600)),
        ("20500", Retry),
        ("20503", Retry),
        ("20003", Never),
        ("20005", Never),
        ("20404", Never),
        ("21211", Never),
        ("21212", Never),
        ("21265", Never),
        ("21408", Never),
        ("21602", Never),
        ("21603", Never),
        ("21604", Never),
        ("21606", Never),
        ("21608", Never),
        ("21610", Never),
        ("21612", Never),
        ("21614", Never),
        ("21617", Never),
        ("21659", Never),
        ("21660", Never),
        ("21703", Never),
    ],
};

/// [Resend](https://resend.com/docs/api-reference/errors).
pub const RESEND: Provider = Provider {
    name: "Resend",
    message: "/message",
    code: "/name",
    transient: "",
    codes: &[
        ("rate_limit_exceeded", Everyone(1)),
        // They begin again at midnight and with the month.
        ("daily_quota_exceeded", Everyone(3600)),
        ("monthly_quota_exceeded", Everyone(86_400)),
        // The earlier attempt is still being worked on.
        ("concurrent_idempotent_requests", Retry),
        ("application_error", Retry),
        ("internal_server_error", Retry),
        ("invalid_idempotency_key", Never),
        ("invalid_idempotent_request", Never),
        ("validation_error", Never),
        ("missing_api_key", Never),
        ("restricted_api_key", Never),
        ("invalid_api_key", Never),
        ("not_found", Never),
        ("method_not_allowed", Never),
        ("invalid_attachment", Never),
        ("invalid_from_address", Never),
        ("invalid_access", Never),
        ("invalid_parameter", Never),
        ("invalid_region", Never),
        ("missing_required_field", Never),
        ("security_error", Never),
    ],
};

/// [Expo](https://docs.expo.dev/push-notifications/sending-notifications/#errors):
/// the codes of requests, and those of tickets.
pub const EXPO: Provider = Provider {
    name: "Expo",
    message: "/errors/0/message",
    code: "/errors/0/code",
    transient: "",
    codes: &[
        // 600 notifications in a second for each project.
        ("TOO_MANY_REQUESTS", Everyone(1)),
        ("PUSH_TOO_MANY_EXPERIENCE_IDS", Never),
        ("PUSH_TOO_MANY_NOTIFICATIONS", Never),
        ("PUSH_TOO_MANY_RECEIPTS", Never),
        // The device gets too many.
        ("MessageRateExceeded", Retry),
        ("DeviceNotRegistered", Never),
        ("MessageTooBig", Never),
        ("MismatchSenderId", Never),
        ("InvalidCredentials", Never),
    ],
};

/// Slack's
/// [incoming webhooks](https://api.slack.com/messaging/webhooks#handling_errors),
/// which answer with the code alone; one message in a second
/// ([rate limits](https://api.slack.com/apis/rate-limits)).
pub const SLACK: Provider = Provider {
    name: "Slack",
    message: "",
    code: "",
    transient: "",
    codes: &[
        ("rate_limited", Everyone(1)),
        ("ratelimited", Everyone(1)),
        ("rollup_error", Retry),
        ("action_prohibited", Never),
        ("channel_is_archived", Never),
        ("channel_not_found", Never),
        ("invalid_payload", Never),
        ("invalid_token", Never),
        ("no_active_hooks", Never),
        ("no_service", Never),
        ("no_service_id", Never),
        ("no_team", Never),
        ("no_text", Never),
        ("posting_to_general_channel_denied", Never),
        ("team_disabled", Never),
        ("too_many_attachments", Never),
        ("user_not_found", Never),
    ],
};
