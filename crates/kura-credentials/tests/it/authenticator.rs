//! An authenticator in software: it makes keys and answers as a browser hands them on, and can
//! be told to do either wrong.

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use serde_json::{Value, json};

use crate::{base64url, unbase64url};

pub const UP: u8 = 1;
pub const UV: u8 = 4;
pub const BE: u8 = 8;
pub const BS: u8 = 16;
pub const AT: u8 = 64;
pub const ED: u8 = 128;

pub enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// The key of RFC 7515 A.2, which everybody knows.
pub fn rsa() -> RsaKeyPair {
    let key: Value = serde_json::from_str(include_str!("data/rfc7515-a2.json")).unwrap();
    let part = |name: &str| unbase64url(key[name].as_str().unwrap());
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: part("n"),
            e: part("e"),
        },
        d: part("d"),
        p: part("p"),
        q: part("q"),
        dP: part("dp"),
        dQ: part("dq"),
        qInv: part("qi"),
    })
    .unwrap()
}

pub struct Authenticator {
    pub pair: Pair,
    pub credential_id: Vec<u8>,
    /// What it answers to, and from where.
    pub rp_id: String,
    pub origin: String,
    pub flags: u8,
    pub sign_count: u32,
    pub user_handle: Option<Vec<u8>>,
    /// Members of the client data besides.
    pub more: Value,
}

impl Authenticator {
    pub fn new(pair: Pair) -> Self {
        Self {
            pair,
            credential_id: b"a credential of the tests".to_vec(),
            rp_id: "kura.example.org".to_owned(),
            origin: "https://kura.example.org".to_owned(),
            flags: UP | UV,
            sign_count: 0,
            user_handle: None,
            more: json!({"crossOrigin": false}),
        }
    }

    pub fn es256() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self::new(Pair::Es256(pair))
    }

    pub fn ed_dsa() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        Self::new(Pair::EdDsa(pair))
    }

    pub fn rs256() -> Self {
        Self::new(Pair::Rs256(rsa()))
    }

    pub fn cose_key(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                [
                    &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01][..],
                    &[0x21, 0x58, 0x20],
                    &point[1..33],
                    &[0x22, 0x58, 0x20],
                    &point[33..],
                ]
                .concat()
            }
            Pair::EdDsa(pair) => [
                &[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20][..],
                pair.public_key().as_ref(),
            ]
            .concat(),
            Pair::Rs256(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                [
                    &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00][..],
                    &[0x20, 0x59, 0x01, 0x00],
                    &public.n,
                    &[0x21, 0x43],
                    &public.e,
                ]
                .concat()
            }
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }

    fn client_data(&self, r#type: &str, challenge: &[u8]) -> Vec<u8> {
        let mut data = json!({
            "type": r#type,
            "challenge": base64url(challenge),
            "origin": self.origin,
        });
        for (name, value) in self.more.as_object().unwrap() {
            data[name] = value.clone();
        }
        data.to_string().into_bytes()
    }

    pub fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp_id.as_bytes());
        [hash.as_ref(), &[flags], &self.sign_count.to_be_bytes()].concat()
    }

    pub fn attested(&self) -> Vec<u8> {
        let length = (self.credential_id.len() as u16).to_be_bytes();
        [
            &self.authenticator_data(self.flags | AT)[..],
            &[7; 16],
            &length,
            &self.credential_id,
            &self.cose_key(),
        ]
        .concat()
    }

    /// `RegistrationResponseJSON` with attestation "none".
    pub fn create(&self, challenge: &[u8]) -> Value {
        self.create_with(
            challenge,
            "webauthn.create",
            &attestation_object(&self.attested()),
        )
    }

    pub fn create_with(&self, challenge: &[u8], r#type: &str, object: &[u8]) -> Value {
        let id = base64url(&self.credential_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": true}},
            "response": {
                "clientDataJSON": base64url(self.client_data(r#type, challenge)),
                "attestationObject": base64url(object),
                "transports": ["internal", "hybrid", "<script>"],
            },
        })
    }

    /// `AuthenticationResponseJSON`.
    pub fn get(&self, challenge: &[u8]) -> Value {
        self.get_with(
            challenge,
            "webauthn.get",
            &self.authenticator_data(self.flags),
        )
    }

    pub fn get_with(&self, challenge: &[u8], r#type: &str, data: &[u8]) -> Value {
        let client_data = self.client_data(r#type, challenge);
        let message = [data, digest(&SHA256, &client_data).as_ref()].concat();
        let id = base64url(&self.credential_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64url(&client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(self.sign(&message)),
                "userHandle": self.user_handle.as_ref().map(base64url),
            },
        })
    }
}

pub fn attestation_object(data: &[u8]) -> Vec<u8> {
    [
        &b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"[..],
        &(data.len() as u16).to_be_bytes(),
        data,
    ]
    .concat()
}
