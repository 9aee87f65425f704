//! Numbers of the United Kingdom and of the European Union.

use super::digits::{digits, modulo_11_10, number, weighted};
use super::{Groups, Identifier, Label};

/// A number of a patient in England, Wales and the Isle of Man: ten digits with
/// the weights 10 to 2, and 11 less the remainder (NHS Data Dictionary, NHS
/// Number). One in eleven numbers passes.
pub(crate) const NHS: Identifier = Identifier {
    lengths: 10..=10,
    groups: Groups::Of(&[&[3, 3, 4]]),
    valid: nhs,
    cased: false,
    label: Label::Always,
    words: &[
        "nhs",
        "nhs number",
        "nhs no",
        "national health service",
        "nhs-nummer",
        "numéro nhs",
        "número nhs",
        "número del nhs",
        "एनएचएस",
        "एनएचएस नंबर",
    ],
};

fn nhs(text: &[u8]) -> bool {
    let Some(digits) = digits::<10>(text) else {
        return false;
    };
    let sum = weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    // A check digit of 10 is not given out.
    sum != 0 && (11 - sum % 11) % 11 == digits[9]
}

/// A national insurance number: two letters, of which some and some pairs are
/// not used, six digits, and A to D (HMRC, National Insurance Manual NIM39110).
/// It has no check digit.
pub(crate) const NINO: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[2, 2, 2, 2, 1], &[2, 6, 1]]),
    valid: nino,
    cased: false,
    label: Label::Ungrouped(b' '),
    words: &[
        "nino",
        "ni number",
        "ni no",
        "national insurance",
        "national insurance number",
        "national insurance no",
        "britische sozialversicherungsnummer",
        "numéro national insurance",
        "numéro d'assurance nationale",
        "número de seguro nacional",
        "राष्ट्रीय बीमा संख्या",
    ],
};

fn nino(text: &[u8]) -> bool {
    let [a, b, number @ .., suffix] = text else {
        return false;
    };
    let letter = |byte: &u8| byte.is_ascii_uppercase() && !b"DFIQUV".contains(byte);
    let unused = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    letter(a)
        && letter(b)
        && *b != b'O'
        && !unused.contains(&&[*a, *b])
        && digits::<6>(number).is_some()
        && matches!(suffix, b'A'..=b'D')
}

/// A tax number of Spain: eight digits, or X, Y or Z of a foreigner and seven,
/// and the letter of their remainder modulo 23 (Ministerio del Interior, Cálculo
/// del dígito de control del NIF/NIE; Real Decreto 1065/2007, Art. 19 and 20).
pub(crate) const NIF_SPAIN: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[8, 1], &[1, 7, 1], &[2, 3, 3, 1], &[1, 8]]),
    valid: nif_spain,
    cased: false,
    label: Label::Unshaped,
    words: &[
        "nif",
        "nie",
        "dni",
        "documento nacional de identidad",
        "spanische steuernummer",
        "numéro fiscal espagnol",
        "एनआईएफ",
    ],
};

fn nif_spain(text: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let (prefix, rest) = match text {
        [b'X', rest @ ..] => (0, rest),
        [b'Y', rest @ ..] => (1, rest),
        [b'Z', rest @ ..] => (2, rest),
        _ => (0, text),
    };
    let Some((check, digits)) = rest.split_last() else {
        return false;
    };
    let places = 10_u64.pow(7);
    number(digits)
        .is_some_and(|number| *check == LETTERS[((prefix * places + number) % 23) as usize])
}

/// A tax number of Portugal: nine digits whose first ones say what the holder
/// is, with the weights 9 to 2, and 11 less the remainder, 0 for 10 and 11
/// (Autoridade Tributária; Decreto-Lei 14/2013). One in eleven numbers passes.
pub(crate) const NIF_PORTUGAL: Identifier = Identifier {
    lengths: 9..=9,
    groups: Groups::Of(&[&[3, 3, 3]]),
    valid: nif_portugal,
    cased: false,
    label: Label::Always,
    words: &[
        "nif",
        "contribuinte",
        "número de contribuinte",
        "número de identificação fiscal",
        "portugiesische steuernummer",
        "numéro fiscal portugais",
        "número fiscal portugués",
        "एनआईएफ",
    ],
};

fn nif_portugal(text: &[u8]) -> bool {
    let Some(digits) = digits::<9>(text) else {
        return false;
    };
    let held = match (digits[0], digits[1]) {
        (1 | 2 | 3 | 5 | 6 | 8, _) => true,
        (4, second) => second == 5,
        (7, second) => matches!(second, 0 | 1 | 2 | 4 | 5 | 7 | 8 | 9),
        (9, second) => matches!(second, 0 | 1 | 8 | 9),
        _ => false,
    };
    let rest = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    held && digits[8] == if rest < 2 { 0 } else { 11 - rest }
}

/// A tax code of Italy: name, birthday, sex and town in fifteen places, digits
/// perhaps replaced by letters, and a letter modulo 26 (Ministero delle Finanze,
/// decree of 23 December 1976; Agenzia delle Entrate).
pub(crate) const CODICE_FISCALE: Identifier = Identifier {
    lengths: 16..=16,
    groups: Groups::Of(&[&[3, 3, 5, 5]]),
    valid: codice_fiscale,
    cased: false,
    label: Label::Never,
    words: &[],
};

fn codice_fiscale(text: &[u8]) -> bool {
    /// What the characters at odd places count, 0 as A.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    /// a is a letter, 9 a digit or what stands for it, m a month.
    const PLACES: &[u8; 16] = b"aaaaaa99m99a999a";
    let fits = text.len() == PLACES.len()
        && text.iter().zip(PLACES).all(|(byte, place)| match place {
            b'a' => byte.is_ascii_uppercase(),
            b'm' => b"ABCDEHLMPRST".contains(byte),
            _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte),
        });
    if !fits {
        return false;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte - b'A',
    };
    let sum: u32 = text[..15]
        .iter()
        .enumerate()
        .map(|(place, &byte)| match place % 2 {
            0 => ODD[usize::from(value(byte))],
            _ => u32::from(value(byte)),
        })
        .sum();
    sum % 26 == u32::from(text[15] - b'A')
}

/// A number of Poland's residents: a birthday with its century in the month, and
/// the weights 1, 3, 7, 9 (Ustawa o ewidencji ludności of 24 September 2010, Art.
/// 15; Ministerstwo Cyfryzacji, Co to jest numer PESEL). One in sixty numbers
/// passes.
pub(crate) const PESEL: Identifier = Identifier {
    lengths: 11..=11,
    groups: Groups::Whole,
    valid: pesel,
    cased: false,
    label: Label::Always,
    words: &[
        "pesel",
        "numer pesel",
        "pesel-nummer",
        "numéro pesel",
        "número pesel",
        "पेसेल",
    ],
};

fn pesel(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else {
        return false;
    };
    let month = (digits[2] * 10 + digits[3]) % 20;
    let day = digits[4] * 10 + digits[5];
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// A tax number of Germany: eleven digits, the first not 0, one of the first ten
/// twice or three times, and a check digit of ISO/IEC 7064, MOD 11,10
/// (Bundeszentralamt für Steuern, Die Steuer-Identifikationsnummer; § 139b AO).
pub(crate) const TAX_ID_GERMANY: Identifier = Identifier {
    lengths: 11..=11,
    groups: Groups::Of(&[&[2, 3, 3, 3]]),
    valid: tax_id_germany,
    cased: false,
    label: Label::Always,
    words: &[
        "steuer-id",
        "steuerid",
        "steueridentifikationsnummer",
        "steuer-identifikationsnummer",
        "idnr",
        "tin",
        "tax id",
        "tax id number",
        "german tax id",
        "numéro fiscal allemand",
        "número fiscal alemán",
        "कर पहचान संख्या",
    ],
};

fn tax_id_germany(text: &[u8]) -> bool {
    let Some(digits) = digits::<11>(text) else {
        return false;
    };
    let mut counts = [0; 10];
    for digit in &digits[..10] {
        counts[*digit as usize] += 1;
    }
    let repeated: Vec<u32> = counts.into_iter().filter(|count| *count > 1).collect();
    digits[0] != 0 && matches!(repeated[..], [2 | 3]) && modulo_11_10(&digits)
}

/// A social security number of France: sex, year and month of birth, place and
/// order, and 97 less the remainder (INSEE, Numéro de sécurité sociale; Code de
/// la sécurité sociale, R. 161-1).
pub(crate) const NIR: Identifier = Identifier {
    lengths: 15..=15,
    groups: Groups::Of(&[&[1, 2, 2, 2, 3, 3, 2], &[13, 2]]),
    valid: nir,
    cased: false,
    label: Label::Never,
    words: &[],
};

fn nir(text: &[u8]) -> bool {
    let Some((body, key)) = text.split_at_checked(13) else {
        return false;
    };
    // Corsica's departments count as 19 and 18.
    let mut body = body.to_vec();
    match &body[5..7] {
        b"2A" => body[5..7].copy_from_slice(b"19"),
        b"2B" => body[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let month = number(&body[3..5]);
    matches!(body[0], b'1' | b'2')
        && month.is_some_and(|month| matches!(month, 1..=12 | 20 | 30..=42 | 50..=99))
        && matches!((number(&body), number(key)), (Some(body), Some(key)) if 97 - body % 97 == key)
}
