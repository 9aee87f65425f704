//! The same identifiers with the words of five languages before them.

pub(super) const LANGUAGES: [&str; 5] = ["English", "German", "French", "Spanish", "Hindi"];

/// A number, and texts that have it.
pub(super) struct Number {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    /// What is checked.
    pub(super) check: &'static str,
    pub(super) number: &'static str,
    /// In the order of [`LANGUAGES`].
    pub(super) texts: [&'static str; 5],
}

/// Texts that have a number behind these words.
macro_rules! number {
    ($name:literal, $rule:literal, $check:literal, $number:literal, $($words:literal),+) => {
        Number {
            name: $name,
            rule: $rule,
            check: $check,
            number: $number,
            texts: [$(concat!($words, " ", $number)),+],
        }
    };
}

#[rustfmt::skip]
pub(super) const NUMBERS: &[Number] = &[
    number!("payment card", "card-number", "scheme, length, Luhn", "4111 1111 1111 1111", "paid with card", "bezahlt mit Karte", "payé par carte", "pagado con tarjeta", "कार्ड नंबर"),
    number!("IBAN", "bank-account", "length of the country, ISO 7064 MOD 97-10", "DE89 3704 0044 0532 0130 00", "account", "Konto", "compte", "cuenta", "खाता"),
    number!("Bitcoin, Ethereum", "crypto-wallet", "Base58Check, Bech32(m), EIP-55", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "wallet", "Geldbörse", "portefeuille", "monedero", "बटुआ"),
    number!("ABA routing number", "us-routing-number", "weights 3 7 1, districts", "021000021", "routing number", "US-Bankleitzahl", "numéro de routage", "número de ruta", "रूटिंग नंबर"),
    number!("telephone number", "phone-number", "length, groups", "030 12345678", "phone", "Telefon", "téléphone", "teléfono", "फ़ोन"),
    number!("US social security number", "us-social-security-number", "ranges", "123-45-6789", "SSN", "US-Sozialversicherungsnummer", "numéro de sécurité sociale américain", "número de seguro social", "सामाजिक सुरक्षा संख्या"),
    number!("US ITIN", "us-taxpayer-number", "ranges", "912701234", "ITIN", "US-Steuernummer", "numéro fiscal américain", "número de identificación personal del contribuyente", "आईटीआईएन"),
    number!("US Medicare (MBI)", "medicare-beneficiary-number", "form", "1EG4TE5MK73", "Medicare number", "Medicare-Nummer", "numéro Medicare", "número de Medicare", "मेडिकेयर"),
    number!("UK NHS number", "uk-nhs-number", "modulo 11", "943 476 5919", "NHS number", "NHS-Nummer", "numéro NHS", "número del NHS", "एनएचएस नंबर"),
    number!("UK national insurance", "uk-national-insurance-number", "prefixes, suffix", "AB123456C", "NI number", "britische Sozialversicherungsnummer", "numéro d'assurance nationale", "número de seguro nacional", "राष्ट्रीय बीमा संख्या"),
    number!("Spain NIF, NIE", "es-tax-number", "letter modulo 23", "12345678Z", "DNI", "spanische Steuernummer", "numéro fiscal espagnol", "documento nacional de identidad", "एनआईएफ"),
    number!("Portugal NIF", "pt-tax-number", "modulo 11, kinds", "501964843", "NIF", "portugiesische Steuernummer", "numéro fiscal portugais", "número fiscal portugués", "एनआईएफ"),
    number!("Italy codice fiscale", "it-tax-code", "letter modulo 26, form", "RSSMRA85T10A562S", "tax code", "Steuernummer", "code fiscal", "código fiscal", "कर कोड"),
    number!("Poland PESEL", "pl-national-number", "weights 1 3 7 9, date", "44051401359", "PESEL", "PESEL-Nummer", "numéro PESEL", "número PESEL", "पेसेल"),
    number!("Germany Steuer-ID", "de-tax-number", "ISO 7064 MOD 11,10, digits", "86095742719", "tax ID", "Steuer-ID", "numéro fiscal allemand", "número fiscal alemán", "कर पहचान संख्या"),
    number!("France NIR", "fr-social-security-number", "97 less the remainder", "2 55 08 14 168 025 38", "insured as", "versichert als", "sécurité sociale", "seguridad social", "बीमा"),
    number!("India Aadhaar", "in-aadhaar-number", "Verhoeff", "2341 2341 2346", "Aadhaar", "Aadhaar-Nummer", "numéro Aadhaar", "número Aadhaar", "आधार संख्या"),
    number!("India PAN", "in-tax-number", "form, holders", "ABCPE1234F", "PAN", "indische Steuernummer", "numéro PAN", "número PAN", "पैन"),
    number!("Singapore NRIC, FIN", "sg-identity-number", "letter modulo 11", "S1234567D", "NRIC", "singapurische Ausweisnummer", "numéro NRIC", "número NRIC", "एनआरआईसी"),
    number!("Australia TFN", "au-tax-file-number", "modulo 11", "123 456 782", "TFN", "australische Steuernummer", "numéro fiscal australien", "número de expediente tributario", "टीएफएन"),
];
