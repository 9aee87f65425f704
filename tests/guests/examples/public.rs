//! Speaks as components do that were built on public SDKs: it logs by `wasi:logging`
//! and reads settings by `wasi:config`, in each of its forms.

#![allow(missing_docs, unsafe_code, reason = "generated")]

use runner_sdk::prelude::*;
use serde_json::{Value, json};

wit_bindgen::generate!({
    path: [],
    inline: "
        package test:public;

        world public {
            import wasi:logging/logging@0.1.0-draft;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:config/store@0.2.0-draft;
            import wasi:config/runtime@0.2.0-draft;
        }

        package wasi:logging@0.1.0-draft {
            interface logging {
                enum level { trace, debug, info, warn, error, critical }
                log: func(level: level, context: string, message: string);
            }
        }
        package wasi:config@0.2.0-rc.1 {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
        }
        package wasi:config@0.2.0-draft {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
            interface runtime {
                variant config-error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, config-error>;
                get-all: func() -> result<list<tuple<string, string>>, config-error>;
            }
        }
    ",
    generate_all,
});

use wasi::config0_2_0_draft as draft;
use wasi::config0_2_0_rc_1 as newest;
use wasi::logging::logging::{self, Level};

fn handle(job: Job) -> Result<Value> {
    Ok(match job.name.as_str() {
        "log" => {
            logging::log(Level::Trace, "", "no context");
            logging::log(Level::Debug, "a", "at debug");
            logging::log(Level::Info, "a", "at info");
            logging::log(Level::Warn, "a", "at warn");
            logging::log(Level::Error, "a", "at error");
            logging::log(Level::Critical, "a b", "t0ken at critical");
            json!(null)
        }
        "config" => {
            let key: String = job.data()?;
            json!({
                "one": [
                    newest::store::get(&key).map_err(reject_any)?,
                    draft::store::get(&key).map_err(reject_any)?,
                    draft::runtime::get(&key).map_err(reject_any)?,
                ],
                "all": [
                    newest::store::get_all().map_err(reject_any)?,
                    draft::store::get_all().map_err(reject_any)?,
                    draft::runtime::get_all().map_err(reject_any)?,
                ],
            })
        }
        other => return Err(reject(format!("no job {other:?}"))),
    })
}

fn reject_any(error: impl std::fmt::Debug) -> Failure {
    reject(format!("{error:?}"))
}

runner_sdk::handler!(handle);
