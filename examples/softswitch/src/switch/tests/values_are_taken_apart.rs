//! Lists, addresses and parameters end where RFC 3261 25.1 says.

use crate::switch::value::{Address, items, param};

#[test]
fn commas_in_quotes_and_brackets_do_not_separate() {
    let value = r#""a\", b" <sip:c,d@e>;x="y,z" ,, <sip:f>,sip:g"#;
    let split: Vec<&str> = items(value).collect();
    assert_eq!(
        split,
        [r#""a\", b" <sip:c,d@e>;x="y,z""#, "<sip:f>", "sip:g"]
    );
}

/// Splits byte by byte, directly by the grammar of RFC 3261 25.1.
fn read_slowly(value: &str) -> Vec<&str> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    let pieces = value.split(|character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '<' => bracketed = true,
            '>' => bracketed = false,
            ',' => return !bracketed,
            _ => {}
        }
        false
    });
    pieces.filter(|piece| !piece.is_empty()).collect()
}

#[test]
fn however_they_are_mixed() {
    let mut texts = vec![String::new()];
    for _ in 0..6 {
        for text in &texts {
            assert_eq!(items(text).collect::<Vec<_>>(), read_slowly(text), "{text}");
        }
        let longer = |text: &String| ['"', '\\', '<', '>', ',', 'a'].map(|c| format!("{text}{c}"));
        texts = texts.iter().flat_map(longer).collect();
    }
}

#[test]
fn an_address_is_the_uri_and_what_follows_it() {
    for (value, uri, params) in [
        ("<sip:a@b;lr>;tag=1", "sip:a@b;lr", ";tag=1"),
        ("sip:a@b;tag=1", "sip:a@b", ";tag=1"),
        ("SIPS:a@b ; tag=1", "SIPS:a@b", "; tag=1"),
        ("A. G. Bell <sip:a@b> ;tag=1", "sip:a@b", ";tag=1"),
        (r#""<sip:x@y>\"" <sip:a@b>"#, "sip:a@b", ""),
        ("<tel:+1>", "tel:+1", ""),
    ] {
        let address = Address::split(value).expect(value);
        assert_eq!((address.uri, address.params), (uri, params), "{value}");
    }
    for broken in [
        "",
        "nonsense",
        "<sip:a@b",
        "\"open <sip:a@b>",
        "\"a\" sip:a@b",
    ] {
        assert!(Address::split(broken).is_none(), "{broken}");
    }
}

#[test]
fn parameters_are_found_by_name_in_any_case_and_not_in_quotes() {
    let params = r#";a="x;tag=no\";tag=no";TAG = 1 ;lr;e="""#;
    assert_eq!(param(params, "tag"), Some("1"));
    assert_eq!(param(params, "lr"), Some(""));
    assert_eq!(param(params, "e"), Some(""));
    assert_eq!(param(params, "none"), None);
}
