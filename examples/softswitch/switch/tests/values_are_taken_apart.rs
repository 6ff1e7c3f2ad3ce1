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
