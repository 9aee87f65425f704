//! Templates in the language of Jinja, which a setting can replace.
//!
//! Of Jinja's filters there are `upper`, `lower` and `trim`: all of minijinja's
//! would make each plugin by 420 KB (a half) larger.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use runner_sdk::{Result, config, reject};
use serde::Serialize;

/// Fill in the template that stands in the setting, or else the given one.
/// When the setting's name ends in `html`, values are escaped.
///
/// # Errors
/// Rejects the job when the template is wrong or uses a variable that is not
/// there.
pub fn render(setting: &str, default: &str, variables: &impl Serialize) -> Result<String> {
    let custom = config::get(setting);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_filter("trim", |text: String| text.trim().to_owned());
    // minijinja escapes by the extension of the name.
    let name = if setting.ends_with("html") {
        "template.html"
    } else {
        "template.txt"
    };
    environment
        .render_named_str(name, custom.as_deref().unwrap_or(default), Serde(variables))
        .map_err(|error| {
            reject(format!(
                "the template \"{setting}\" cannot be filled in: {error}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::render;
    use runner_sdk::testing::Host;

    #[test]
    fn values_are_escaped_in_html_only() {
        let _host = Host::new();
        let variables = BTreeMap::from([("name", "<b>")]);
        assert_eq!(
            render("email_html", "{{ name }}", &variables),
            Ok("&lt;b&gt;".into())
        );
        assert_eq!(
            render("email_text", "{{ name }}", &variables),
            Ok("<b>".into())
        );
    }

    #[test]
    fn a_setting_replaces_the_template_and_its_faults_are_told() {
        let host = Host::new();
        let variables = BTreeMap::from([("name", "Ada")]);
        host.setting("sms", "dear {{ name | upper }}");
        assert_eq!(render("sms", "hi", &variables), Ok("dear ADA".into()));
        host.setting("sms", "dear {{ nmae }}");
        let failure = render("sms", "hi", &variables).expect_err("no such variable");
        assert!(
            failure
                .reason()
                .starts_with("the template \"sms\" cannot be filled in: undefined value"),
            "{failure:?}"
        );
    }
}
