//! One real provocation of each cause a handshake of ours can fail by.

use super::hello::{Offer, client_hello};
use super::scene::{AMPLE, Client, SHORT, listen, say};
use super::{Heard, Provoked, Scene};
use crate::hello::Hello;
use crate::peer::Authority;
use async_std::task::block_on;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa};
use rustls::{Certificate, ClientConfig, PrivateKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sipward::{ClientAuth, Discard, EventKind, TlsPolicy, TrustAnchors};
use socket2::SockRef;
use std::net::Shutdown;
use std::time::Duration;
use time::OffsetDateTime;

/// TLS 1.2 as a phone of some years ago offers it.
const OLD_PHONE: Offer = Offer {
    version: 0x0303,
    suites: &[0xc02b, 0xc02f, 0xc02c, 0xc030],
    groups: &[23, 24],
    signatures: &[0x0403, 0x0401, 0x0503, 0x0501],
    supported_versions: &[],
};

pub fn all() -> Vec<Provoked> {
    let mut all = raw();
    all.extend(offers());
    all.extend(by_tls());
    all.extend(client_certificates());
    all
}

/// Peers that never get as far as TLS.
fn raw() -> Vec<Provoked> {
    let silent = |scene: &Scene| listen(scene.tcp());
    let half = |scene: &Scene| {
        let hello = client_hello(OLD_PHONE);
        say(scene.tcp(), &hello[..hello.len() / 2])
    };
    let half_then_gone = |scene: &Scene| {
        let socket = scene.tcp();
        let hello = client_hello(OLD_PHONE);
        std::io::Write::write_all(&mut &socket, &hello[..hello.len() / 2]).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        listen(socket)
    };
    let reset_on_retry = |scene: &Scene| {
        let socket = scene.tcp();
        let needs_retry = Offer {
            suites: &[0x1301],
            supported_versions: &[0x0304],
            ..OLD_PHONE
        };
        std::io::Write::write_all(&mut &socket, &client_hello(needs_retry)).unwrap();
        std::io::Read::read(&mut &socket, &mut [0; 1024]).unwrap();
        SockRef::from(&socket)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        Heard::NotThere
    };
    let cancelled = |scene: &Scene| {
        let socket = scene.tcp();
        scene.wait_for(EventKind::Accepted);
        block_on(scene.handle.shutdown(Duration::ZERO));
        listen(socket)
    };
    vec![
        provoke("probe", |scene| {
            drop(scene.tcp());
            Heard::NotThere
        }),
        provoke("plaintext", |scene| {
            let request = "REGISTER sip:example.com SIP/2.0\r\nContent-Length: 0\r\n\r\n";
            say(scene.tcp(), request.as_bytes())
        }),
        soon("timeout_silent", SHORT, silent),
        soon("timeout_stalled", AMPLE, half),
        provoke("peer_closed", half_then_gone),
        provoke("peer_reset", reset_on_retry),
        provoke("malformed", |scene| {
            say(scene.tcp(), &[22, 3, 1, 0, 5, 1, 255, 255, 255, 0])
        }),
        provoke("misbehaved", |scene| {
            // A Finished where a ClientHello is due.
            say(
                scene.tcp(),
                &[&[22, 3, 1, 0, 16, 20, 0, 0, 12], &[7; 12][..]].concat(),
            )
        }),
        provoke("cancelled", cancelled),
    ]
}

/// Hellos with which we have nothing in common.
fn offers() -> Vec<Provoked> {
    let offer = |cause, offer| provoke(cause, |scene| say(scene.tcp(), &client_hello(offer)));
    vec![
        provoke("invalid_server_name", |scene| {
            let hello = Hello::with_key().server_name(b"sip.example.com:5061");
            say(scene.tcp(), &hello.record())
        }),
        offer(
            "version_mismatch",
            Offer {
                version: 0x0302,
                suites: &[0xc009, 0xc013, 0x002f, 0x0035],
                signatures: &[],
                ..OLD_PHONE
            },
        ),
        offer(
            "no_common_cipher",
            Offer {
                suites: &[0x009c, 0x002f, 0x0035, 0x000a],
                ..OLD_PHONE
            },
        ),
        offer(
            "no_common_group",
            Offer {
                groups: &[25],
                ..OLD_PHONE
            },
        ),
        offer(
            "no_common_signature",
            Offer {
                signatures: &[0x0401, 0x0501, 0x0601],
                ..OLD_PHONE
            },
        ),
    ]
}

/// A TLS client that goes wrong later.
fn by_tls() -> Vec<Provoked> {
    let other_protocols = |scene: &Scene| {
        let mut config = (*scene.authority.client()).clone();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Client::new(scene, config, "localhost").finish()
    };
    let gone = |scene: &Scene| {
        let mut client = Client::new(scene, scene.authority.client(), "localhost");
        client.hear_answer();
        client.socket.shutdown(Shutdown::Write).unwrap();
        listen(client.socket)
    };
    // OpenSSL, and with it most phones, sends its alert in clear even under TLS 1.3.
    let distrustful = |scene: &Scene| {
        let mut client = Client::new(scene, scene.authority.client(), "localhost");
        client.hear_answer();
        say(client.socket, &[21, 3, 3, 0, 2, 2, 48])
    };
    let changed_on_the_way = |scene: &Scene| {
        let mut client = Client::new(scene, scene.authority.client(), "localhost");
        let mut finished = client.last_flight();
        *finished.last_mut().unwrap() ^= 1;
        say(client.socket, &finished)
    };
    vec![
        provoke("peer_left_after_certificate", gone),
        failure(
            "alpn_mismatch",
            |authority| authority.policy().with_alpn(["sip/2"]),
            other_protocols,
        ),
        failure(
            "unknown_server_name",
            |authority| authority.policy().with_strict_server_names(),
            |scene| Client::new(scene, scene.authority.client(), "pbx.example.com").finish(),
        ),
        provoke("rejected_by_peer", distrustful),
        provoke("crypto", changed_on_the_way),
    ]
}

/// Client certificates we turn away.
fn client_certificates() -> Vec<Provoked> {
    let day = time::Duration::DAY;
    let now = OffsetDateTime::now_utc();
    vec![
        failure("client_certificate_missing", demanding, |scene| {
            Client::new(scene, scene.authority.client(), "localhost").finish()
        }),
        presenting("client_certificate_expired", |authority| {
            authority.issue_with(&["trunk.example.com"], |params| {
                params.not_before = now - day * 90;
                params.not_after = now - day;
            })
        }),
        presenting("client_certificate_not_yet_valid", |authority| {
            authority.issue_with(&["trunk.example.com"], |params| {
                params.not_before = now + day;
                params.not_after = now + day * 90;
            })
        }),
        presenting("client_certificate_unknown_issuer", |_| {
            let made = rcgen::generate_simple_self_signed(["trunk.example.com".to_owned()]);
            let made = made.unwrap();
            (made.cert.pem(), made.signing_key.serialize_pem())
        }),
        presenting_to(
            "client_certificate_revoked",
            |authority| {
                let lists = authority.revoke(&[7]);
                let anchors = anchors(authority).with_revocation_list(lists.as_bytes());
                let demand = ClientAuth::Required(anchors.unwrap());
                authority.policy().with_client_auth(demand)
            },
            |authority| {
                authority.issue_with(&["trunk.example.com"], |params| {
                    params.serial_number = Some(7_u64.into());
                })
            },
        ),
        presenting_to(
            "client_certificate_wrong_identity",
            |authority| {
                let anchors = anchors(authority).with_identities(["example.com"]);
                authority
                    .policy()
                    .with_client_auth(ClientAuth::Required(anchors))
            },
            |authority| authority.issue(&["trunk.example.com"]),
        ),
        presenting("client_certificate_bad_purpose", |authority| {
            authority.issue_with(&["trunk.example.com"], |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })
        }),
        presenting("client_certificate_invalid", |authority| {
            let make_ca = |params: &mut CertificateParams| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            };
            authority.issue_with(&["trunk.example.com"], make_ca)
        }),
    ]
}

fn presenting(cause: &'static str, issue: impl Fn(&Authority) -> (String, String)) -> Provoked {
    presenting_to(cause, demanding, issue)
}

fn presenting_to(
    cause: &'static str,
    policy: impl FnOnce(&Authority) -> TlsPolicy,
    issue: impl Fn(&Authority) -> (String, String),
) -> Provoked {
    failure(cause, policy, |scene| {
        let (chain, key) = issue(&scene.authority);
        let certificate = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ClientConfig::builder()
            .with_safe_defaults()
            .with_root_certificates(scene.authority.roots())
            .with_client_auth_cert(
                vec![Certificate(certificate.to_vec())],
                PrivateKey(key.secret_der().to_vec()),
            )
            .unwrap();
        Client::new(scene, config, "localhost").finish()
    })
}

fn demanding(authority: &Authority) -> TlsPolicy {
    let demand = ClientAuth::Required(anchors(authority));
    authority.policy().with_client_auth(demand)
}

fn anchors(authority: &Authority) -> TrustAnchors {
    TrustAnchors::from_pem(authority.certificate.pem().as_bytes()).unwrap()
}

fn provoke(cause: &'static str, act: impl Fn(&Scene) -> Heard) -> Provoked {
    failure(cause, Authority::policy, act)
}

fn failure(
    cause: &'static str,
    policy: impl FnOnce(&Authority) -> TlsPolicy,
    act: impl Fn(&Scene) -> Heard,
) -> Provoked {
    let scene = Scene::new(Discard, policy, |builder, _| builder);
    let heard = act(&scene);
    let line = scene.line(EventKind::HandshakeFailed);
    let books = scene.books();
    Provoked {
        cause,
        line,
        heard,
        books,
    }
}

/// With a deadline that is waited for.
fn soon(cause: &'static str, deadline: Duration, act: impl Fn(&Scene) -> Heard) -> Provoked {
    let scene = Scene::new(Discard, Authority::policy, |builder, deadlines| {
        deadlines.handshake = deadline;
        builder
    });
    let heard = act(&scene);
    let line = scene.line(EventKind::HandshakeFailed);
    let books = scene.books();
    Provoked {
        cause,
        line,
        heard,
        books,
    }
}
