//! `numeric` in Postgres' binary form, as text with its scale. The form is that of
//! `numeric_send` in the server's `numeric.c`: digits to the base of 10 000.

/// The text of a number, `None` if it has no such form.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    let mut words = raw
        .chunks_exact(2)
        .map(|it| u16::from_be_bytes([it[0], it[1]]));
    let count = usize::from(words.next()?);
    let weight = i32::from(words.next()?.cast_signed());
    let sign = words.next()?;
    let scale = usize::from(words.next()?);
    let digits: Vec<u16> = words.collect();
    match sign {
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    if digits.len() != count || digits.iter().any(|it| *it > 9999) {
        return None;
    }
    let digit = |at: i32| {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at));
        digit.copied().unwrap_or(0)
    };
    let mut out = String::new();
    if sign == 0x4000 {
        out.push('-');
    }
    match weight {
        0.. => {
            out.push_str(&digit(0).to_string());
            for at in 1..=weight {
                out.push_str(&format!("{:04}", digit(at)));
            }
        }
        _ => out.push('0'),
    }
    if scale > 0 {
        out.push('.');
        let from = out.len();
        let mut at = weight + 1;
        // Of a number below 1, the first groups may be left out.
        let mut missing = -1 - weight;
        while out.len() - from < scale {
            if missing > 0 && weight < 0 {
                out.push_str("0000");
                missing -= 1;
                if missing == 0 {
                    at = 0;
                }
            } else {
                out.push_str(&format!("{:04}", digit(at)));
                at += 1;
            }
        }
        out.truncate(from + scale);
    }
    Some(out)
}
