//! What the system allows this process: executable memory, and whether pages of
//! it may be swapped out.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

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
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::/")) else {
        return false;
    };
    let groups = root.join("sys/fs/cgroup");
    let group = groups.join(group);
    group
        .ancestors()
        .take_while(|group| group.starts_with(&groups))
        .any(|group| {
            let max = fs::read_to_string(group.join("memory.swap.max"));
            max.is_ok_and(|max| max.trim() == "0")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

    fn swaps(files: &[(&str, &str)]) -> bool {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        swaps_under(root.path())
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
