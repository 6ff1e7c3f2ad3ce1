use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A directory that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("softswitch-certificate-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn data(&self) -> PathBuf {
        self.0.join("above/data")
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.data().join(file)).unwrap()
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        fs::write(self.data().join(file), content).unwrap();
    }

    fn prepare(&self, domain: &str, now: SystemTime) -> Result<Preparation, CertificateError> {
        prepare(&self.data(), &names(domain), now).map(|development| development.preparation)
    }

    fn certificates(&self, file: &str) -> Vec<Pem> {
        let text = self.read(file);
        Pem::iter_from_buffer(&text).map(Result::unwrap).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn names(domain: &str) -> SubjectNames {
    let domains = [domain.to_owned(), "[2001:db8::1]".to_owned()];
    let listened = ["192.0.2.1", "0.0.0.0"].map(|address| address.parse().unwrap());
    SubjectNames::new(&domains, ["sip.example.com"], Some("box"), listened)
}

#[test]
fn the_files_may_be_saved_again_by_an_editor() {
    let scratch = Scratch::new("edited");
    scratch.prepare("example.com", start()).unwrap();
    for file in ["ca.crt", "ca.key", "server.crt", "server.key"] {
        let text = String::from_utf8(scratch.read(file)).unwrap();
        for end in [" \t\r\n", "\r", "\n"] {
            let lines = text.lines().map(|line| format!("{line}{end}"));
            scratch.write(file, format!("\u{feff}{}", lines.collect::<String>()));
            let preparation = scratch.prepare("example.com", start() + DAY);
            assert_eq!(preparation.unwrap(), Preparation::Reused, "{file}");
        }
    }
}

#[test]
fn the_first_run_creates_an_authority_and_a_certificate_and_the_next_reuses_them() {
    let scratch = Scratch::new("reuse");
    let first = prepare(&scratch.data(), &names("example.com"), start()).unwrap();
    assert_eq!(first.preparation, Preparation::Created);
    assert_eq!(first.authority, scratch.data().join("ca.crt"));
    assert_eq!(first.certificate, scratch.data().join("server.crt"));
    assert_eq!(first.key, scratch.data().join("server.key"));
    let files = ["ca.crt", "ca.key", "server.crt", "server.key"];
    let before = files.map(|file| scratch.read(file));
    let preparation = scratch.prepare("example.com", start() + DAY).unwrap();
    assert_eq!(preparation, Preparation::Reused);
    assert_eq!(files.map(|file| scratch.read(file)), before);
    assert_eq!(fs::read_dir(scratch.data()).unwrap().count(), 4);
}

#[test]
fn the_chain_is_the_server_certificate_signed_by_the_authority_that_follows() {
    let scratch = Scratch::new("chain");
    scratch.prepare("example.com", start()).unwrap();
    let chain = scratch.certificates("server.crt");
    let authority = scratch.certificates("ca.crt");
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[1].contents, authority[0].contents);
    let server = chain[0].parse_x509().unwrap();
    let issuer = authority[0].parse_x509().unwrap();
    server.verify_signature(Some(issuer.public_key())).unwrap();
    issuer.verify_signature(None).unwrap();
    assert!(issuer.is_ca() && !server.is_ca());
    let usage = issuer.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let usage = server.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    let purposes = server.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.server_auth && purposes.client_auth && !purposes.any);
    let points_up = server.extensions().iter().any(|extension| {
        matches!(
            extension.parsed_extension(),
            ParsedExtension::AuthorityKeyIdentifier(_)
        )
    });
    assert!(points_up);
}

#[test]
fn an_authority_lasts_10_years_and_a_certificate_825_days() {
    let scratch = Scratch::new("validity");
    scratch.prepare("example.com", start()).unwrap();
    let days = |file| {
        let pem = &scratch.certificates(file)[0];
        let validity = pem.parse_x509().unwrap().validity().clone();
        (validity.not_after - validity.not_before)
            .unwrap()
            .whole_days()
    };
    assert_eq!(days("ca.crt"), 3653);
    assert_eq!(days("server.crt"), 825);
}

#[test]
fn the_certificate_covers_every_name_as_what_it_is() {
    let scratch = Scratch::new("names");
    scratch.prepare("example.com", start()).unwrap();
    let chain = scratch.certificates("server.crt");
    let server = chain[0].parse_x509().unwrap();
    let extension = server.subject_alternative_name().unwrap().unwrap();
    let found = &extension.value.general_names;
    let v6 = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap();
    let v6_loopback = std::net::Ipv6Addr::LOCALHOST;
    let expected = [
        GeneralName::DNSName("box"),
        GeneralName::DNSName("example.com"),
        GeneralName::DNSName("localhost"),
        GeneralName::DNSName("sip.example.com"),
        GeneralName::IPAddress(&[127, 0, 0, 1]),
        GeneralName::IPAddress(&[192, 0, 2, 1]),
        GeneralName::IPAddress(&v6.octets()),
        GeneralName::IPAddress(&v6_loopback.octets()),
        GeneralName::URI("sip:[2001:db8::1]"),
        GeneralName::URI("sip:example.com"),
    ];
    for name in &expected {
        assert!(found.contains(name), "{name:?}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn a_new_name_makes_a_new_certificate_of_the_same_authority() {
    let scratch = Scratch::new("uncovered");
    scratch.prepare("example.com", start()).unwrap();
    let authority = scratch.read("ca.crt");
    let key = scratch.read("server.key");
    let preparation = scratch.prepare("example.org", start()).unwrap();
    let names = vec!["example.org".to_owned(), "sip:example.org".to_owned()];
    let why = Reissue::Uncovered { names };
    assert_eq!(preparation, Preparation::Reissued { why });
    assert_eq!(scratch.read("ca.crt"), authority);
    assert_ne!(scratch.read("server.key"), key);
    let preparation = scratch.prepare("example.org", start()).unwrap();
    assert_eq!(preparation, Preparation::Reused);
}

#[test]
fn a_certificate_with_7_days_left_is_reissued() {
    let scratch = Scratch::new("expiring");
    scratch.prepare("example.com", start()).unwrap();
    let preparation = scratch.prepare("example.com", start() + 817 * DAY).unwrap();
    assert_eq!(preparation, Preparation::Reused);
    let why = Reissue::Expiring { days: 6 };
    let preparation = scratch.prepare("example.com", start() + 818 * DAY).unwrap();
    assert_eq!(preparation, Preparation::Reissued { why });
}

#[test]
fn a_certificate_does_not_outlive_its_authority() {
    let scratch = Scratch::new("last");
    scratch.prepare("example.com", start()).unwrap();
    scratch
        .prepare("example.com", start() + 3600 * DAY)
        .unwrap();
    let end = |file| {
        let pem = &scratch.certificates(file)[0];
        pem.parse_x509().unwrap().validity().not_after.timestamp()
    };
    assert_eq!(end("server.crt"), end("ca.crt"));
    let error = scratch.prepare("example.com", start() + 3650 * DAY);
    assert!(matches!(error, Err(CertificateError::Expired { .. })));
}

#[test]
fn what_an_interrupted_run_leaves_is_completed() {
    let scratch = Scratch::new("interrupted");
    scratch.prepare("example.com", start()).unwrap();
    for absent in ["server.crt", "server.key"] {
        fs::remove_file(scratch.data().join(absent)).unwrap();
        scratch.write("server.key.unfinished", "half");
        let preparation = scratch.prepare("example.com", start()).unwrap();
        let why = Reissue::Absent;
        assert_eq!(preparation, Preparation::Reissued { why });
    }
    scratch.write("server.key", scratch.read("ca.key"));
    let preparation = scratch.prepare("example.com", start()).unwrap();
    let why = Reissue::OtherKey;
    assert_eq!(preparation, Preparation::Reissued { why });
}

#[test]
fn damaged_files_are_errors_and_stay_as_they_are() {
    let scratch = Scratch::new("damaged");
    scratch.prepare("example.com", start()).unwrap();
    let files = ["ca.crt", "ca.key", "server.crt", "server.key"];
    for file in files {
        let good = scratch.read(file);
        let truncated = good[..good.len() / 3].to_vec();
        for bad in [Vec::new(), b"\xff\xfe".to_vec(), truncated] {
            scratch.write(file, &bad);
            match scratch.prepare("example.com", start()) {
                Err(CertificateError::Damaged { path, .. }) => assert!(path.ends_with(file)),
                other => panic!("{file}: {other:?}"),
            }
            assert_eq!(scratch.read(file), bad);
        }
        scratch.write(file, good);
    }
    scratch.write("ca.crt", scratch.read("server.crt"));
    assert!(matches!(
        scratch.prepare("example.com", start()),
        Err(CertificateError::Damaged { .. })
    ));
}

#[test]
fn files_that_do_not_belong_together_are_errors() {
    let ours = Scratch::new("ours");
    let theirs = Scratch::new("theirs");
    ours.prepare("example.com", start()).unwrap();
    theirs.prepare("example.com", start()).unwrap();

    let server = ours.read("server.crt");
    ours.write("server.crt", theirs.read("server.crt"));
    let error = ours.prepare("example.com", start());
    assert!(matches!(error, Err(CertificateError::Foreign { .. })));
    ours.write("server.crt", server);

    let key = ours.read("ca.key");
    ours.write("ca.key", theirs.read("ca.key"));
    let error = ours.prepare("example.com", start());
    assert!(matches!(error, Err(CertificateError::Mismatch { .. })));
    ours.write("ca.key", &key);

    fs::remove_file(ours.data().join("ca.key")).unwrap();
    let error = ours.prepare("example.com", start());
    assert!(matches!(error, Err(CertificateError::Incomplete { .. })));
    ours.write("ca.key", key);

    fs::remove_file(theirs.data().join("ca.key")).unwrap();
    fs::remove_file(theirs.data().join("ca.crt")).unwrap();
    let error = theirs.prepare("example.com", start());
    assert!(matches!(error, Err(CertificateError::Foreign { .. })));
}

#[cfg(unix)]
#[test]
fn keys_and_directory_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let scratch = Scratch::new("modes");
    scratch.prepare("example.com", start()).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.data()), 0o700);
    assert_eq!(mode(scratch.data().join("ca.key")), 0o600);
    assert_eq!(mode(scratch.data().join("server.key")), 0o600);
}

#[test]
fn an_error_names_the_file_and_what_to_do() {
    let scratch = Scratch::new("message");
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    let error = prepare(&file.join("data"), &names("example.com"), start()).unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains("file/data"), "{shown}");
    assert!(shown.contains("choose another --data"), "{shown}");
}
