//! The value of a lock that Runner holds: `<runner>:<boot>:<n>`. BullMQ's own are
//! `<uuid>` or `<uuid>:<n>`, whose last part but one is longer than a boot.

/// Hexadecimal digits of a boot, by which `fail.lua` tells our locks from others.
pub(in crate::queue) const BOOT_DIGITS: usize = 12;

/// A name for this process among all that ever ran.
pub(in crate::queue) fn boot() -> String {
    let bits = 4 * BOOT_DIGITS as u32;
    format!("{:0BOOT_DIGITS$x}", fastrand::u64(..) >> (u64::BITS - bits))
}

/// One life of one runner, as the locks of its jobs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) struct Holder<'a> {
    pub(in crate::queue) runner: &'a str,
    pub(in crate::queue) boot: &'a str,
}

impl Holder<'_> {
    /// The lock of the jobs of its `n`th take.
    pub(in crate::queue) fn token(self, n: u64) -> String {
        format!("{}:{}:{n}", self.runner, self.boot)
    }

    /// What all its locks begin with.
    pub(in crate::queue) fn prefix(self) -> String {
        format!("{}:{}:", self.runner, self.boot)
    }

    /// Who holds this lock. A runner's name may hold colons.
    pub(in crate::queue) fn of(token: &str) -> Option<Holder<'_>> {
        let mut parts = token.rsplitn(3, ':').skip(1);
        let (boot, runner) = (parts.next()?, parts.next()?);
        Some(Holder { runner, boot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_holder() {
        let boot = boot();
        assert_eq!(boot.len(), BOOT_DIGITS);
        let holder = Holder {
            runner: "host:with:colons",
            boot: &boot,
        };
        let token = holder.token(17);
        assert_eq!(Holder::of(&token), Some(holder));
        assert!(token.starts_with(&holder.prefix()));
        assert_eq!(Holder::of("0b5c2a4e:1"), None);
    }
}
