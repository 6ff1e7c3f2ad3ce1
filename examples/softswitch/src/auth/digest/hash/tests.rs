use super::*;

const RFC_7616_3_9_1: DigestInput<'static> = DigestInput {
    method: "GET",
    uri: "/dir/index.html",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    count: b"00000001",
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

fn response_of_mufasa(algorithm: Algorithm) -> Hash {
    let ha1 = algorithm.hash(&[b"Mufasa", b"http-auth@example.org", b"Circle of Life"]);
    algorithm.response(&ha1, &RFC_7616_3_9_1)
}

#[test]
fn the_md5_response_of_rfc_7616_3_9_1_is_computed() {
    let expected = "8ca523f5e9506fed4657c9700eebdbec";
    let response = response_of_mufasa(Algorithm::Md5);
    assert_eq!(response.as_bytes(), expected.as_bytes());
    assert!(bool::from(response.matches(expected)));
}

#[test]
fn the_sha_256_response_of_rfc_7616_3_9_1_is_computed() {
    let expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
    let response = response_of_mufasa(Algorithm::Sha256);
    assert_eq!(response.as_bytes(), expected.as_bytes());
}

#[test]
fn a_hash_does_not_match_a_prefix_or_another_text() {
    let hash = Algorithm::Md5.hash(&[b"a"]);
    assert!(!bool::from(hash.matches("")));
    assert!(!bool::from(hash.matches("0cc175b9c0f1b6a831c399e26977266")));
    assert!(!bool::from(
        hash.matches("0cc175b9c0f1b6a831c399e269772662")
    ));
    assert!(bool::from(hash.matches("0cc175b9c0f1b6a831c399e269772661")));
}

#[test]
fn hex_of_either_case_and_of_the_right_length_is_a_hash() {
    let (algorithm, hash) = Hash::from_hex("0CC175B9C0F1B6A831C399E269772661").unwrap();
    assert_eq!(algorithm, Algorithm::Md5);
    assert_eq!(hash.as_bytes(), b"0cc175b9c0f1b6a831c399e269772661");
    assert!(matches!(
        Hash::from_hex(&"a".repeat(64)),
        Some((Algorithm::Sha256, _))
    ));
    assert!(Hash::from_hex(&"a".repeat(33)).is_none());
    assert!(Hash::from_hex(&"g".repeat(32)).is_none());
}

#[test]
fn debug_output_shows_nothing_of_a_hash() {
    assert_eq!(
        format!("{:?}", Algorithm::Md5.hash(&[b"secret"])),
        "Hash(..)"
    );
}
