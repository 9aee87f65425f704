//! What the system may take from Runner: executable memory, address space.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::{Redis, Setup, guest};

const TOML: &str = "[queues.work]\nplugin = \"noop\"\n";

fn setup() -> Setup {
    let setup = Setup::new(&Redis::shared(), TOML).plugin("noop", &guest("noop"));
    let cache = setup.path("cache").display().to_string();
    setup.env("RUNNER_CACHE", &cache)
}

/// Exit code, stdout and stderr.
fn run(command: &mut Command, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command.args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_system_that_forbids_executable_memory_is_named_and_ends_all_that_need_it() {
    let setup = setup();
    let said = "error: this system forbids executable memory, which compiled plugins are: allow \
                it to this process (systemd: MemoryDenyWriteExecute=no, SELinux: execmem)\n";
    for arguments in [
        &["serve"][..],
        &["check"],
        &["run", "noop"],
        &["plugin", "list"],
        &["plugin", "inspect", "noop"],
    ] {
        let mut command = setup.command();
        #[expect(
            unsafe_code,
            reason = "the process forbids itself one thing and goes on"
        )]
        // SAFETY: one system call between fork and exec, without memory.
        unsafe {
            command.pre_exec(|| {
                let refuse_gain = libc::PR_MDWE_REFUSE_EXEC_GAIN;
                match libc::prctl(libc::PR_SET_MDWE, refuse_gain, 0, 0, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let (code, stdout, stderr) = run(&mut command, arguments);
        assert_eq!(
            (code, &*stdout, &*stderr),
            (Some(2), "", said),
            "{arguments:?}"
        );
    }
}

/// In KiB: far more than Runner takes, far less than the room for all instances.
const ADDRESSES: &str = "16777216";

#[test]
fn a_limited_address_space_costs_speed_and_a_warning_and_nothing_else() {
    let setup = setup();
    let limited = || {
        let runner = setup.command();
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "ulimit -v \"$0\" && exec \"$@\"", ADDRESSES])
            .arg(runner.get_program())
            .current_dir(runner.get_current_dir().unwrap())
            .env_clear()
            .envs(
                runner
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        shell
    };
    let (code, stdout, stderr) = run(&mut limited(), &["check"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stderr,
        "warning: the address space is limited (Cannot allocate memory (os error 12)): instances \
         are allocated one by one, which costs each job some 50 µs, and guests check bounds, \
         which makes them up to 40 % slower; allow this process more (ulimit -v unlimited, \
         systemd: LimitAS=infinity)\n"
    );
    assert_eq!(stdout, "ok queues.toml: 1 queues, 1 plugins\n");
    let (code, stdout, stderr) = run(&mut limited(), &["run", "noop"]);
    assert_eq!((code, &*stdout), (Some(0), "null\n"), "{stderr}");
    // The other way: with all the room there is, the same component is other code.
    let (code, _, stderr) = run(&mut setup.command(), &["check"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
}
