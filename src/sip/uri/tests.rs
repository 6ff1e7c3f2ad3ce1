use super::*;

fn sip(text: &str) -> SipUri<'_> {
    match Uri::parse(text) {
        Ok(Uri::Sip(uri)) => uri,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_uri_is_written_as_it_was_read() {
    for text in [
        "sip:example.com",
        "sip:alice@example.com",
        "sips:alice:secret@[2001:db8::1]:5061;transport=tls;lr?subject=x&a=b",
        "sip:+4930(1)@10.0.0.7:50611",
        "sip:9901#1@example.com",
        "sip:a;b=c@example.com",
        "sip:@example.com",
        "sip:phone@[fe80::1%eth0]:5061",
        "tel:+49-30-123456;phone-context=example.com",
        "urn:service:sos",
    ] {
        assert_eq!(Uri::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_phones_write_as_a_host_is_a_host() {
    for host in [
        "pbx_dev",
        "my_phone.local",
        "example.com.",
        "xn--bcher-kva.example",
        "1a.b",
    ] {
        assert_eq!(sip(&format!("sip:a@{host}")).host, Host::Name(host));
    }
    assert_eq!(
        sip("sip:a@[fe80::1%eth0]").host,
        Host::Zoned("fe80::1%eth0")
    );
}

#[test]
fn what_is_no_uri_is_refused() {
    for (text, problem) in [
        ("", Problem::Uri),
        ("sip", Problem::Uri),
        ("sip:", Problem::Uri),
        (":a", Problem::Uri),
        ("1sip:a", Problem::Uri),
        ("sip:a b@c", Problem::Uri),
        ("sip:a\r\nVia: x", Problem::Uri),
        ("sip:<a>", Problem::Uri),
        ("sip:a@b@c", Problem::Uri),
        ("sip:a@b;c@d", Problem::Uri),
        ("sip:a@", Problem::Host),
        ("sip:a@[::1", Problem::Host),
        ("sip:a@[nonsense]", Problem::Host),
        ("sip:a@10.0.0.256", Problem::Host),
        ("sip:a@-b", Problem::Host),
        ("sip:a@b..c", Problem::Host),
        ("sip:a@b:", Problem::Port),
        ("sip:a@b:65536", Problem::Port),
        ("sip:a@b:+1", Problem::Port),
    ] {
        assert_eq!(Uri::parse(text), Err(problem), "{text}");
    }
}

#[test]
fn equivalence_is_that_of_rfc_3261_section_19_1_4() {
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtlanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
    ] {
        assert!(sip(a).is_equivalent(&sip(b)), "{a} {b}");
        assert!(sip(b).is_equivalent(&sip(a)), "{b} {a}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM", "sip:alice@AtLanTa.CoM"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@b;x=1", "sip:a@b;x=2"),
        ("sips:a@b", "sip:a@b"),
    ] {
        assert!(!sip(a).is_equivalent(&sip(b)), "{a} {b}");
    }
}

#[test]
fn the_user_part_is_unescaped_and_an_empty_one_is_none() {
    assert_eq!(sip("sip:a%40b@c").user().as_deref(), Some("a@b"));
    assert_eq!(sip("sip:%zz@c").user().as_deref(), Some("%zz"));
    assert_eq!(sip("sip:@c").user(), None);
    assert_eq!(
        sip("sip:A%6Cice@Example.COM").address_of_record(),
        "Alice@example.com"
    );
}
