use super::*;

const LIFETIME: Duration = Duration::from_secs(300);

fn nonces(capacity: usize) -> Nonces {
    Nonces::new([7; 32], LIFETIME, capacity)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

#[test]
fn a_nonce_is_recognised_by_the_secret_that_issued_it_only() {
    let nonce = nonces(1).issue(at(0));
    assert!(nonces(1).recognise(&nonce).is_some());
    assert!(
        Nonces::new([8; 32], LIFETIME, 1)
            .recognise(&nonce)
            .is_none()
    );
}

#[test]
fn a_nonce_with_any_digit_changed_is_not_recognised() {
    let nonces = nonces(1);
    let nonce = nonces.issue(at(0));
    for index in 0..nonce.len() {
        let mut forged = nonce.clone().into_bytes();
        forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(nonces.recognise(&forged).is_none(), "{forged}");
    }
}

#[test]
fn a_used_nonce_with_any_digit_changed_is_not_recognised() {
    let mut nonces = nonces(1);
    let text = nonces.issue(at(0));
    let nonce = nonces.recognise(&text).unwrap();
    assert!(nonces.record_use(nonce, 1, at(0)));
    assert_eq!(nonces.recognise(&text), Some(nonce));
    for index in 0..text.len() {
        let mut forged = text.clone().into_bytes();
        forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(nonces.recognise(&forged).is_none(), "{forged}");
    }
}

#[test]
fn text_of_another_shape_is_not_recognised() {
    let nonces = nonces(1);
    let nonce = nonces.issue(at(0));
    assert!(nonces.recognise("").is_none());
    assert!(nonces.recognise(&nonce[1..]).is_none());
    assert!(nonces.recognise(&format!("{nonce}00")).is_none());
    assert!(nonces.recognise(&"z".repeat(nonce.len())).is_none());
    assert!(nonces.recognise(&"é".repeat(nonce.len() / 2)).is_none());
}

#[test]
fn nonces_of_one_millisecond_differ() {
    let nonces = nonces(1);
    assert_ne!(nonces.issue(at(0)), nonces.issue(at(0)));
}

#[test]
fn a_nonce_expires_with_its_lifetime() {
    let mut nonces = nonces(4);
    let stamp = nonces.recognise(&nonces.issue(at(0))).unwrap();
    assert!(nonces.record_use(stamp, 1, at(299)));
    assert!(!nonces.record_use(stamp, 2, at(300)));
}

#[test]
fn a_count_is_good_only_when_it_rises() {
    let mut nonces = nonces(4);
    let stamp = nonces.recognise(&nonces.issue(at(0))).unwrap();
    assert!(!nonces.record_use(stamp, 0, at(0)));
    assert!(nonces.record_use(stamp, 1, at(0)));
    assert!(!nonces.record_use(stamp, 1, at(0)));
    assert!(nonces.record_use(stamp, 5, at(0)));
    assert!(!nonces.record_use(stamp, 4, at(0)));
}

#[test]
fn a_full_table_retires_its_oldest_nonce_for_good() {
    let mut nonces = nonces(2);
    let stamps: Vec<Nonce> = (0..3)
        .map(|second| nonces.recognise(&nonces.issue(at(second))).unwrap())
        .collect();
    for stamp in &stamps {
        assert!(nonces.record_use(*stamp, 1, at(3)));
    }
    assert_eq!(nonces.used.len(), 2);
    assert!(!nonces.record_use(stamps[0], 2, at(3)));
    assert!(nonces.record_use(stamps[1], 2, at(3)));
    assert!(nonces.record_use(stamps[2], 2, at(3)));
}

#[test]
fn counts_are_forgotten_with_their_nonce_and_a_clock_set_back_revives_none() {
    let mut nonces = nonces(8);
    let old = nonces.recognise(&nonces.issue(at(0))).unwrap();
    assert!(nonces.record_use(old, 1, at(0)));
    let new = nonces.recognise(&nonces.issue(at(400))).unwrap();
    assert!(nonces.record_use(new, 1, at(400)));
    assert_eq!(nonces.used.len(), 1);
    assert!(!nonces.record_use(old, 1, at(1)));
}
