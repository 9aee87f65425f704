//! E-mail addresses and phone numbers: checked before a provider is asked, and
//! masked wherever they are shown.
//!
//! Phone numbers are checked for the form of E.164 only. Numbering plans are the
//! provider's business: they change every month, and made-up numbers such as
//! `+1234567890`, which no plan knows, are what people test with.

use std::fmt;

/// ITU-T E.164, 6.1: at most 15 digits with the country code.
const MOST_DIGITS: usize = 15;
/// No country has shorter numbers that can be reached from abroad.
const FEWEST_DIGITS: usize = 7;

/// A phone number as E.164 has it, `+` and digits. `Display` masks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

/// An e-mail address. `Display` masks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// Why an address is none. The address is not quoted: it belongs to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not E.164.
    #[error(
        "the recipient is not a phone number; write it in international form with \"+\" and 7 to \
         15 digits, like \"+491701234567\""
    )]
    Phone,
    /// Not an address that mail servers take.
    #[error("the recipient is not an e-mail address; write it like \"user@example.com\"")]
    Email,
}

impl Phone {
    /// Read a number; spaces, hyphens, dots and parentheses between the digits
    /// are left out.
    ///
    /// # Errors
    /// [`AddressError::Phone`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let digits = text.trim().strip_prefix('+').ok_or(AddressError::Phone)?;
        let digits: String = digits
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
            .collect();
        let fits = (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits {
            Ok(Phone(format!("+{digits}")))
        } else {
            Err(AddressError::Phone)
        }
    }

    /// `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits alone.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl Email {
    /// Read an address of the form that is in use: a dot-atom of RFC 5322
    /// (letters beyond ASCII as in RFC 6531), `@`, and a domain of at least two
    /// labels. Quoted local parts and address literals are refused.
    ///
    /// # Errors
    /// [`AddressError::Email`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Email)?;
        // RFC 5321, 4.5.3.1: the limits of a mailbox.
        let fits = local.len() <= 64
            && text.len() <= 254
            && local
                .split('.')
                .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
            && domain.contains('.')
            && domain.split('.').all(is_label);
        if fits {
            Ok(Email(text.to_owned()))
        } else {
            Err(AddressError::Email)
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5322, 3.2.3.
fn is_atext(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// A label of a domain: RFC 1035, 2.3.4, letters beyond ASCII as in RFC 5890.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Phone {
    /// `+12******90`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, rest) = self.0.split_at(3);
        let (middle, tail) = rest.split_at(rest.len() - 2);
        write!(f, "{head}{}{tail}", "*".repeat(middle.len()))
    }
}

impl fmt::Display for Email {
    /// `us**@example.com`; of short names less is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.rsplit_once('@').expect("it was parsed");
        let count = local.chars().count();
        let shown = (count / 2).min(2);
        let head: String = local.chars().take(shown).collect();
        write!(f, "{head}{}@{domain}", "*".repeat(count - shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_international() {
        for (text, number) in [
            ("+1234567890", "+1234567890"),
            (" +49 (170) 123-45.67 ", "+491701234567"),
            ("+290123456", "+290123456"),
        ] {
            assert_eq!(Phone::parse(text).expect(text).as_str(), number);
        }
        for text in [
            "",
            "+",
            "1234567890",
            "0049170123456",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+12345x7890",
            "+١٢٣٤٥٦٧٨٩",
            "++1234567890",
            "user@example.com",
        ] {
            assert_eq!(Phone::parse(text), Err(AddressError::Phone), "{text}");
        }
    }

    #[test]
    fn e_mail_addresses_are_those_in_use() {
        for text in [
            "user@example.com",
            "a.b+tag@sub.example.co",
            "jürgen@bücher.example",
            "o'neil@x-y.io",
        ] {
            assert_eq!(Email::parse(text).expect(text).as_str(), text);
        }
        for text in [
            "",
            "user",
            "@example.com",
            "user@",
            "user@localhost",
            "a..b@example.com",
            ".a@example.com",
            "a b@example.com",
            "a@b@example.com",
            "user@-example.com",
            "user@example..com",
            "user@[127.0.0.1]",
            "\"a b\"@example.com",
            "user@example.com\nBcc: x@example.com",
            "Name <user@example.com>",
        ] {
            assert_eq!(Email::parse(text), Err(AddressError::Email), "{text}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(65))).is_err());
    }

    #[test]
    fn addresses_are_masked() {
        let phone = |text| Phone::parse(text).expect(text).to_string();
        let email = |text| Email::parse(text).expect(text).to_string();
        assert_eq!(phone("+1234567890"), "+12******90");
        assert_eq!(phone("+1234567"), "+12***67");
        assert_eq!(email("user@example.com"), "us**@example.com");
        assert_eq!(email("jo@example.com"), "j*@example.com");
        assert_eq!(email("ü@example.com"), "*@example.com");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_the_address() {
        assert_eq!(
            AddressError::Phone.to_string(),
            "the recipient is not a phone number; write it in international form with \"+\" and 7 \
             to 15 digits, like \"+491701234567\""
        );
        assert_eq!(
            AddressError::Email.to_string(),
            "the recipient is not an e-mail address; write it like \"user@example.com\""
        );
    }
}
