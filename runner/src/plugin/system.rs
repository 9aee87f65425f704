//! What the system allows this process: executable memory, whether pages of it may be
//! swapped out, and whether memory is short.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Whether memory that was written can be made executable, as compiled code is.
pub(super) fn allows_executable_memory() -> bool {
    /// Any length is rounded up to a page.
    const LENGTH: usize = 1;
    #[expect(
        unsafe_code,
        reason = "a page of our own is mapped, never read or run, and unmapped again"
    )]
    // SAFETY: the kernel chooses the place, and nothing points there.
    unsafe {
        let writable = ProtFlags::READ | ProtFlags::WRITE;
        let Ok(page) = mmap_anonymous(std::ptr::null_mut(), LENGTH, writable, MapFlags::PRIVATE)
        else {
            // Memory is short, which is another thing.
            return true;
        };
        let allowed = mprotect(page, LENGTH, MprotectFlags::READ | MprotectFlags::EXEC).is_ok();
        // It goes with the process at the latest.
        let _ = munmap(page, LENGTH);
        allowed
    }
}

/// Whether pages of this process may be swapped out.
pub(super) fn swaps() -> bool {
    swaps_under(Path::new("/"))
}

/// Whether memory is short: less than a sixteenth is left of what the machine has, or of
/// what the control group (version 2) of this process may use, or one above it.
pub(super) fn is_memory_short() -> bool {
    is_memory_short_under(Path::new("/"))
}

fn is_memory_short_under(root: &Path) -> bool {
    /// Of all.
    const LEFT: u64 = 16;
    let info = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    if let Some(all) = field(&info, "MemTotal:")
        && let Some(left) = field(&info, "MemAvailable:")
        && left < all / LEFT
    {
        return true;
    }
    groups(root).iter().any(|group| {
        let read = |name| fs::read_to_string(group.join(name)).unwrap_or_default();
        let Ok(max) = read("memory.max").trim().parse::<u64>() else {
            return false;
        };
        let used = read("memory.current").trim().parse().unwrap_or(0);
        // Files that were read and not used since go first.
        let cache = field(&read("memory.stat"), "inactive_file").unwrap_or(0);
        max.saturating_sub(used).saturating_add(cache) < max / LEFT
    })
}

/// The number after a word at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

fn swaps_under(root: &Path) -> bool {
    let on = match fs::read_to_string(root.join("proc/swaps")) {
        // A line of titles, and one for each device or file.
        Ok(text) => text.lines().nth(1).is_some(),
        // A kernel without.
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(_) => true,
    };
    on && !forbidden_by_group(root)
}

/// Whether the process is in a control group (version 2) that may not swap, or
/// below one.
fn forbidden_by_group(root: &Path) -> bool {
    groups(root).iter().any(|group| {
        let max = fs::read_to_string(group.join("memory.swap.max"));
        max.is_ok_and(|max| max.trim() == "0")
    })
}

/// The directories of the control group (version 2) that the process is in, and of those
/// above it.
fn groups(root: &Path) -> Vec<PathBuf> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return Vec::new();
    };
    let groups = root.join("sys/fs/cgroup");
    let group = groups.join(group);
    let above = group.ancestors();
    above
        .take_while(|group| group.starts_with(&groups))
        .map(Path::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn swaps(files: &[(&str, &str)]) -> bool {
        swaps_under(system(files).path())
    }

    #[test]
    fn memory_is_short_when_little_is_left_to_the_machine_or_a_group() {
        let short = |files: &[(&str, &str)]| is_memory_short_under(system(files).path());
        let machine = |left| format!("MemTotal: 1600 kB\nMemFree: 1 kB\nMemAvailable: {left} kB\n");
        assert!(!short(&[]));
        assert!(!short(&[("proc/meminfo", &machine(100))]));
        assert!(short(&[("proc/meminfo", &machine(99))]));
        let group = ("proc/self/cgroup", "0::/a/b\n");
        let used = |max, used, cache| {
            short(&[
                group,
                ("sys/fs/cgroup/a/memory.max", max),
                ("sys/fs/cgroup/a/memory.current", used),
                ("sys/fs/cgroup/a/memory.stat", cache),
            ])
        };
        assert!(!used("max\n", "1599\n", ""));
        assert!(!used("1600\n", "1500\n", ""));
        assert!(used("1600\n", "1501\n", ""));
        assert!(!used("1600\n", "1600\n", "anon 7\ninactive_file 100\n"));
    }

    #[test]
    fn a_system_with_a_swap_device_swaps_unless_the_group_or_one_above_may_not() {
        let on = format!("{TITLES}/dev/zram0 partition 1048572 0 100\n");
        assert!(!swaps(&[]));
        assert!(!swaps(&[("proc/swaps", TITLES)]));
        assert!(swaps(&[("proc/swaps", &on)]));
        let group = ("proc/self/cgroup", "0::/system.slice/runner.service\n");
        let max = |value| {
            let own = "sys/fs/cgroup/system.slice/runner.service/memory.swap.max";
            swaps(&[("proc/swaps", &on), group, (own, value)])
        };
        assert!(max("max\n"));
        assert!(max("1048576\n"));
        assert!(!max("0\n"));
        let above = ("sys/fs/cgroup/system.slice/memory.swap.max", "0\n");
        assert!(!swaps(&[("proc/swaps", &on), group, above]));
        let top = ("sys/fs/cgroup/memory.swap.max", "0\n");
        assert!(!swaps(&[
            ("proc/swaps", &on),
            ("proc/self/cgroup", "0::/\n"),
            top
        ]));
        // Version 1 says it elsewhere, and its limit counts memory, too.
        let first = ("proc/self/cgroup", "4:memory:/user.slice\n");
        assert!(swaps(&[("proc/swaps", &on), first]));
    }
}
