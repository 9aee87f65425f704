//! The words round a number.

/// Bytes before a number, and behind it, that are read.
const BEFORE: usize = 96;
const AFTER: usize = 48;

/// What a number is called that is none of a person. With one of these nearer to
/// it than its own word, it is not taken for an identifier.
const OTHERS: &[&str] = &[
    "order",
    "invoice",
    "tracking",
    "ticket",
    "serial",
    "isbn",
    "issn",
    "part",
    "sku",
    "model",
    "batch",
    "article",
    "item",
    "version",
    "build",
    "commit",
    "case",
    "bestellung",
    "bestellnummer",
    "rechnung",
    "rechnungsnummer",
    "seriennummer",
    "artikelnummer",
    "sendungsnummer",
    "commande",
    "facture",
    "colis",
    "pedido",
    "factura",
    "envío",
    "serie",
    "ऑर्डर",
    "बिल",
    "चालान",
];

/// What telephone numbers are called.
const PHONES: &[&str] = &[
    "telephone",
    "phone",
    "tel",
    "telefon",
    "teléfono",
    "téléphone",
    "fax",
    "mobile",
    "फ़ोन",
    "मोबाइल",
];

/// Bytes of the last words before a number.
const NEAR: usize = 20;

/// What stands before a number in its sentence, and behind it on its line, in
/// lower case.
pub(super) struct Context {
    before: String,
    after: String,
}

impl Context {
    pub(super) fn new(text: &str, start: usize, end: usize) -> Self {
        let before = &text[text.floor_char_boundary(start.saturating_sub(BEFORE))..start];
        let after = &text[end..text.floor_char_boundary((end + AFTER).min(text.len()))];
        Context {
            before: sentence(before).to_lowercase(),
            after: after.lines().next().unwrap_or_default().to_lowercase(),
        }
    }

    /// How far away the nearest of the words is, if no word for something else is
    /// nearer.
    pub(super) fn distance(&self, words: &[&str]) -> Option<usize> {
        let begins = |word: &&&str| {
            self.after
                .trim_start_matches(|c: char| !c.is_alphanumeric())
                .strip_prefix(**word)
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let before = nearest(&self.before, words);
        if before.is_none() && words.iter().any(|word| begins(&word)) {
            return Some(BEFORE);
        }
        before.filter(|distance| self.other().is_none_or(|other| other > *distance))
    }

    /// Whether the last words before the number say that it is something else.
    pub(super) fn is_something_else(&self) -> bool {
        self.other().is_some_and(|distance| distance < NEAR)
    }

    /// How far away the nearest word for something else is.
    fn other(&self) -> Option<usize> {
        let distances = [OTHERS, PHONES].map(|words| nearest(&self.before, words));
        distances.into_iter().flatten().min()
    }
}

/// Whether the last words before a telephone number say that it is none.
pub(crate) fn is_something_else(before: &str) -> bool {
    let before = sentence(before).to_lowercase();
    nearest(&before, OTHERS).is_some_and(|distance| distance < NEAR)
}

/// Bytes between a number and the nearest of the words before it.
fn nearest(before: &str, words: &[&str]) -> Option<usize> {
    let distance = |word: &&str| {
        before.rmatch_indices(*word).find_map(|(at, _)| {
            let (head, rest) = (&before[..at], &before[at + word.len()..]);
            let apart =
                !head.ends_with(char::is_alphanumeric) && !rest.starts_with(char::is_alphanumeric);
            apart.then_some(rest.len())
        })
    };
    words.iter().filter_map(distance).min()
}

/// The last sentence: behind a blank line, or a full stop, question or
/// exclamation mark after a word of four letters or more. Shorter ones may be
/// abbreviations.
fn sentence(before: &str) -> &str {
    let before = before.rsplit("\n\n").next().unwrap_or_default();
    let end = before
        .rmatch_indices(['.', '?', '!', '।'])
        .find(|(at, mark)| {
            let letters = before[..*at]
                .chars()
                .rev()
                .take_while(|c| c.is_alphabetic());
            let follows = before[at + mark.len()..].starts_with(char::is_whitespace);
            follows && (*mark == "।" || letters.count() >= 4)
        });
    end.map_or(before, |(at, mark)| &before[at + mark.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(before: &str, after: &str, words: &[&str]) -> Option<usize> {
        let text = format!("{before}1{after}");
        Context::new(&text, before.len(), before.len() + 1).distance(words)
    }

    #[test]
    fn the_nearest_word_counts() {
        let words = &["tfn", "tax file number"];
        assert_eq!(distance("TFN: ", "", words), Some(2));
        assert_eq!(
            distance("His tax file number, the TFN, is ", "", words),
            Some(5)
        );
        assert_eq!(distance("the tfns ", "", words), None);
        assert_eq!(distance("", " (TFN)", words), Some(BEFORE));
        assert_eq!(distance("", " is of no TFN", words), None);
        assert_eq!(distance("आधार: ", "", &["आधार"]), Some(2));
    }

    #[test]
    fn a_word_for_something_else_in_between_counts_more() {
        let words = &["tfn"];
        assert_eq!(distance("your TFN and the order number ", "", words), None);
        assert_eq!(distance("the order with TFN ", "", words), Some(1));
    }

    #[test]
    fn a_word_of_another_sentence_does_not_count() {
        let words = &["tfn"];
        assert_eq!(distance("We know the TFN already. Call ", "", words), None);
        assert_eq!(distance("the TFN\n\nTotal ", "", words), None);
        assert_eq!(distance("The TFN no. ", "", words), Some(5));
    }
}
