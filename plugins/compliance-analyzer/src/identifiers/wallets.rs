//! Addresses of crypto wallets.

use sha3::{Digest, Keccak256};

use super::{Groups, Identifier, Label};

/// An address of Bitcoin or Ethereum. Four bytes of a double SHA-256 (Base58Check)
/// or a BCH code (Bech32, BIP 173; Bech32m, BIP 350) guard the first; the case of
/// the letters the second (EIP-55), unless it is all small or all capitals.
pub(crate) const WALLET: Identifier = Identifier {
    lengths: 26..=62,
    groups: Groups::Whole,
    valid,
    cased: true,
    label: Label::Never,
    words: &[],
};

fn valid(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    match text.as_bytes() {
        [b'1' | b'3', ..] if text.len() <= 35 => base58(text),
        [b'b' | b'B', b'c' | b'C', b'1', ..] => segwit(text),
        [b'0', b'x', ..] if text.len() == 42 => ethereum(&text[2..]),
        _ => false,
    }
}

/// Versions 0 (a key) and 5 (a script) of the main network, with 20 bytes.
fn base58(text: &str) -> bool {
    bs58::decode(text)
        .with_check(None)
        .into_vec()
        .is_ok_and(|bytes| bytes.len() == 21 && matches!(bytes[0], 0 | 5))
}

/// A witness program of the main network.
fn segwit(text: &str) -> bool {
    bech32::segwit::decode(text).is_ok()
}

/// Forty hexadecimal digits, with the case that EIP-55 asks for.
fn ethereum(text: &str) -> bool {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let (small, large) = (text.to_ascii_lowercase(), text.to_ascii_uppercase());
    if text == small || text == large {
        return true;
    }
    let hash = Keccak256::digest(small.as_bytes());
    text.bytes().enumerate().all(|(place, byte)| {
        let nibble = match place % 2 {
            0 => hash[place / 2] >> 4,
            _ => hash[place / 2] & 15,
        };
        byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble >= 8)
    })
}
