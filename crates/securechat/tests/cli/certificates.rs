//! Brokers whose certificates must be refused.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::faults::proxy::Proxy;
use crate::house::{EmbeddedHouse, House, Said};

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
struct Shown {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Shown { certificate, key: pkcs8(&key) }
    }
}

fn self_signed(name: &str) -> Shown {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    Shown { certificate: params.self_signed(&key).unwrap().der().clone(), key: pkcs8(&key) }
}

fn pkcs8(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// TLS before a broker that has none.
struct Tls {
    address: SocketAddr,
    _proxy: Proxy,
    _runtime: tokio::runtime::Runtime,
}

impl Tls {
    fn start(broker: SocketAddr, shown: Shown) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Proxy::start_behind(broker, address);
        let behind = proxy.addresses()[0];
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![shown.certificate], shown.key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut server = TcpStream::connect(behind).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
                });
            }
        });
        Self { address, _proxy: proxy, _runtime: runtime }
    }
}

/// `network create` over TLS, trusting one authority.
fn create(broker: &EmbeddedHouse, trusted: &Authority, shown: Shown) -> Said {
    let house = House::new();
    let tls = Tls::start(broker.address(), shown);
    house.run(&["init", "alice", "--no-passphrase"]).exit(0);
    let ca = house.file("ca.pem", trusted.pem.as_bytes());
    house.file("config.toml", format!("ca_file = '{}'\n", ca.display()).as_bytes());
    let args = ["--security", "tls", "--partitions", "2"];
    let said = house.create_network("alice", &tls.address.to_string(), &args);
    if said.code == 0 {
        house.run(&["doctor"]).exit(0);
    }
    said
}

#[test]
fn certificates_that_are_expired_foreign_self_made_or_of_another_name_are_refused() {
    let broker = EmbeddedHouse::start();
    let (ours, other) = (Authority::new(), Authority::new());
    let here = "127.0.0.1";
    create(&broker, &ours, ours.sign(here, |_| {})).exit(0);
    let expired = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    };
    let early = |params: &mut CertificateParams| {
        (params.not_before, params.not_after) =
            (date_time_ymd(2120, 1, 1), date_time_ymd(2121, 1, 1));
    };
    let refused = [
        ("expired", ours.sign(here, expired), "certificate expired"),
        ("not valid yet", ours.sign(here, early), "not valid yet"),
        ("another name", ours.sign("broker.example", |_| {}), "not valid for name"),
        ("another authority", other.sign(here, |_| {}), "BadSignature"),
        ("self-signed", self_signed(here), "BadSignature"),
    ];
    for (what, shown, word) in refused {
        let said = create(&broker, &ours, shown).exit(3);
        println!("{what}: {}", said.err.trim());
        let said = said.err;
        assert!(said.contains("invalid peer certificate") && said.contains(word), "{what}: {said}");
        assert!(said.contains("hint: "), "{what}: {said}");
    }
}
