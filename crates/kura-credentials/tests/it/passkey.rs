//! WebAuthn level 3: its test vectors, both ceremonies, and answers that must not hold.

use kura_credentials::passkey::{
    Algorithm, Assertion, Authenticated, Challenge, Counter, CredentialId, Passkey, Refused,
    RelyingParty, User, UserHandle, UserVerification, authentication_options, register,
    registration_options,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::authenticator::{AT, Authenticator, BE, BS, ED, UP, UV, attestation_object};
use crate::{base64url, unbase64url};

const REQUIRED: UserVerification = UserVerification::Required;
const PREFERRED: UserVerification = UserVerification::Preferred;

fn party() -> RelyingParty {
    RelyingParty::new("kura.example.org", "Kura", ["https://kura.example.org"]).unwrap()
}

fn handle() -> UserHandle {
    UserHandle::from_bytes(b"a handle of the tests").unwrap()
}

fn bytes(answer: &Value) -> Vec<u8> {
    answer.to_string().into_bytes()
}

fn registered(authenticator: &Authenticator) -> Passkey {
    let challenge = Challenge::generate().unwrap();
    let answer = authenticator.create(challenge.as_bytes());
    register(&party(), &challenge, PREFERRED, &bytes(&answer)).unwrap()
}

fn answered(
    passkey: &Passkey,
    challenge: &Challenge,
    answer: &Value,
) -> Result<Authenticated, Refused> {
    Assertion::parse(&bytes(answer))?.verify(
        &party(),
        challenge,
        REQUIRED,
        passkey,
        &handle(),
        true,
    )
}

#[test]
fn the_specification_s_own_vectors() {
    let data: Value = serde_json::from_str(include_str!("data/webauthn-3.json")).unwrap();
    let hex = |value: &Value| -> Vec<u8> {
        let digits = value.as_str().unwrap().as_bytes();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let party = RelyingParty::new("example.org", "W3C", ["https://example.org"]).unwrap();
    let registration = |vector: &Value| {
        let id = base64url(hex(&vector["credential_id"]));
        let answer = json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": base64url(hex(&vector["register"]["clientDataJSON"])),
            "attestationObject": base64url(hex(&vector["register"]["attestationObject"])),
        }});
        let challenge = Challenge::from_bytes(&hex(&vector["register"]["challenge"])).unwrap();
        register(&party, &challenge, PREFERRED, &bytes(&answer))
    };
    for vector in data["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let passkey = registration(vector).unwrap();
        let algorithm = match name.rsplit('.').next().unwrap() {
            "ES256" => Algorithm::Es256,
            "EdDSA" => Algorithm::EdDsa,
            _ => Algorithm::Rs256,
        };
        assert_eq!(passkey.key.algorithm(), Ok(algorithm), "{name}");
        // It is kept and read again.
        let kept = serde_json::to_string(&passkey).unwrap();
        assert_eq!(serde_json::from_str::<Passkey>(&kept).unwrap(), passkey);

        let assertion = &vector["authenticate"];
        let id = passkey.id.to_text();
        let mut answer = json!({"id": id, "rawId": id, "type": "public-key", "response": {
            "clientDataJSON": base64url(hex(&assertion["clientDataJSON"])),
            "authenticatorData": base64url(hex(&assertion["authenticatorData"])),
            "signature": base64url(hex(&assertion["signature"])),
        }});
        let challenge = Challenge::from_bytes(&hex(&assertion["challenge"])).unwrap();
        let verify = |answer: &Value, verification| {
            Assertion::parse(&bytes(answer))?.verify(
                &party,
                &challenge,
                verification,
                &passkey,
                &handle(),
                true,
            )
        };
        let authenticated = verify(&answer, PREFERRED).unwrap();
        assert_eq!(authenticated.counter, Counter::Unused, "{name}");
        // Their UV flag is not set.
        assert_eq!(verify(&answer, REQUIRED), Err(Refused::UserVerified));
        let mut signature = hex(&assertion["signature"]);
        signature[20] ^= 1;
        answer["response"]["signature"] = base64url(signature).into();
        assert_eq!(
            verify(&answer, PREFERRED),
            Err(Refused::Signature),
            "{name}"
        );
    }
    for vector in data["framed"].as_array().unwrap() {
        assert_eq!(registration(vector), Err(Refused::CrossOrigin));
    }
}

#[test]
fn options_are_what_a_browser_reads() {
    let passkey = registered(&Authenticator::es256());
    let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
    let user = User {
        handle: &handle(),
        name: "sato",
        display_name: "佐藤 花子",
    };
    let descriptor = json!([{"type": "public-key", "id": passkey.id.to_text(),
        "transports": ["internal", "hybrid"]}]);
    assert_eq!(
        registration_options(
            &party(),
            user,
            &challenge,
            REQUIRED,
            std::slice::from_ref(&passkey)
        ),
        json!({
            "rp": {"id": "kura.example.org", "name": "Kura"},
            "user": {"id": base64url(handle().as_bytes()), "name": "sato",
                "displayName": "佐藤 花子"},
            "challenge": base64url([1; 32]),
            "pubKeyCredParams": [
                {"type": "public-key", "alg": -7},
                {"type": "public-key", "alg": -8},
                {"type": "public-key", "alg": -257},
            ],
            "timeout": 300_000,
            "excludeCredentials": descriptor,
            "authenticatorSelection": {"residentKey": "preferred",
                "requireResidentKey": false, "userVerification": "required"},
            "attestation": "none",
        })
    );
    assert_eq!(
        authentication_options(&party(), &challenge, PREFERRED, &[passkey]),
        json!({"rpId": "kura.example.org", "challenge": base64url([1; 32]),
            "timeout": 300_000, "userVerification": "preferred",
            "allowCredentials": descriptor})
    );
}

#[test]
fn both_ceremonies_with_each_algorithm() {
    for (mut authenticator, algorithm) in [
        (Authenticator::es256(), Algorithm::Es256),
        (Authenticator::ed_dsa(), Algorithm::EdDsa),
        (Authenticator::rs256(), Algorithm::Rs256),
    ] {
        authenticator.flags = UP | UV | BE;
        authenticator.sign_count = 6;
        let passkey = registered(&authenticator);
        assert_eq!(passkey.key.algorithm(), Ok(algorithm));
        assert_eq!((passkey.sign_count, passkey.backed_up), (6, false));
        assert!(passkey.backup_eligible && passkey.user_verified);
        assert_eq!(passkey.aaguid, [7; 16]);
        assert_eq!(passkey.transports, ["internal", "hybrid"]);

        authenticator.flags |= BS;
        for (sign_count, counter) in [
            (7, Counter::Grown),
            (6, Counter::Suspicious),
            (5, Counter::Suspicious),
            (0, Counter::Suspicious),
        ] {
            authenticator.sign_count = sign_count;
            let challenge = Challenge::generate().unwrap();
            let answer = authenticator.get(challenge.as_bytes());
            assert_eq!(
                answered(&passkey, &challenge, &answer),
                Ok(Authenticated {
                    sign_count,
                    counter,
                    backed_up: true,
                    user_verified: true,
                })
            );
        }
    }
}

#[test]
fn whose_it_is_must_be_told_or_known() {
    let mut authenticator = Authenticator::ed_dsa();
    let passkey = registered(&authenticator);
    let challenge = Challenge::generate().unwrap();
    let verify = |authenticator: &Authenticator, named_before| {
        let answer = authenticator.get(challenge.as_bytes());
        let assertion = Assertion::parse(&bytes(&answer)).unwrap();
        assert_eq!(assertion.credential_id(), &passkey.id);
        assertion
            .verify(
                &party(),
                &challenge,
                REQUIRED,
                &passkey,
                &handle(),
                named_before,
            )
            .map(drop)
    };
    assert_eq!(verify(&authenticator, true), Ok(()));
    assert_eq!(verify(&authenticator, false), Err(Refused::UserHandle));
    authenticator.user_handle = Some(handle().as_bytes().to_vec());
    assert_eq!(verify(&authenticator, false), Ok(()));
    authenticator.user_handle = Some(b"another".to_vec());
    for named_before in [true, false] {
        assert_eq!(
            verify(&authenticator, named_before),
            Err(Refused::UserHandle)
        );
    }
}

#[test]
fn registrations_that_do_not_hold() {
    let challenge = Challenge::generate().unwrap();
    let asked = challenge.as_bytes();
    let refused = |answer: &Value| register(&party(), &challenge, REQUIRED, &bytes(answer));

    let mut authenticator = Authenticator::es256();
    let other = Challenge::generate().unwrap();
    assert_eq!(
        refused(&authenticator.create(other.as_bytes())),
        Err(Refused::Challenge)
    );
    let object = attestation_object(&authenticator.attested());
    assert_eq!(
        refused(&authenticator.create_with(asked, "webauthn.get", &object)),
        Err(Refused::Type)
    );
    for origin in [
        "https://kura.example.org.evil.example",
        "http://kura.example.org",
        "https://kura.example.org:8443",
        "null",
    ] {
        authenticator.origin = origin.to_owned();
        assert_eq!(refused(&authenticator.create(asked)), Err(Refused::Origin));
    }
    authenticator = Authenticator::es256();
    for more in [
        json!({"crossOrigin": true}),
        json!({"topOrigin": "https://evil.example"}),
    ] {
        authenticator.more = more;
        assert_eq!(
            refused(&authenticator.create(asked)),
            Err(Refused::CrossOrigin)
        );
    }
    authenticator = Authenticator::es256();
    authenticator.rp_id = "example.org".to_owned();
    assert_eq!(
        refused(&authenticator.create(asked)),
        Err(Refused::RpIdHash)
    );
    authenticator = Authenticator::es256();
    for (flags, why) in [
        (UV, Refused::UserPresent),
        (UP, Refused::UserVerified),
        (UP | UV | BS, Refused::Backup),
    ] {
        authenticator.flags = flags;
        assert_eq!(refused(&authenticator.create(asked)), Err(why));
    }
    // Extension data that are announced and not there.
    authenticator.flags = UP | UV | ED;
    assert_eq!(
        refused(&authenticator.create(asked)),
        Err(Refused::AuthenticatorData)
    );
    authenticator.flags = UP | UV;

    // The id of another credential, and one that is too long.
    let mut answer = authenticator.create(asked);
    answer["id"] = base64url("another").into();
    assert_eq!(refused(&answer), Err(Refused::CredentialId));
    answer["rawId"] = base64url("another").into();
    assert_eq!(refused(&answer), Err(Refused::CredentialId));
    authenticator.credential_id = vec![1; 1024];
    assert_eq!(
        refused(&authenticator.create(asked)),
        Err(Refused::CredentialId)
    );
    authenticator.credential_id = vec![1; 1023];
    assert!(refused(&authenticator.create(asked)).is_ok());

    // An answer of a megabyte, one that is no JSON, one that is no credential.
    answer = authenticator.create(asked);
    answer["padding"] = "a".repeat(1_000_000).into();
    assert_eq!(refused(&answer), Err(Refused::Length));
    assert_eq!(refused(&json!([])), Err(Refused::Syntax));
    answer = authenticator.create(asked);
    answer["type"] = "password".into();
    assert_eq!(refused(&answer), Err(Refused::Syntax));
}

#[test]
fn attestation_objects_that_are_cut_or_claim_too_much() {
    let authenticator = Authenticator::es256();
    let challenge = Challenge::generate().unwrap();
    let asked = challenge.as_bytes();
    let refused = |object: &[u8]| {
        let answer = authenticator.create_with(asked, "webauthn.create", object);
        register(&party(), &challenge, REQUIRED, &bytes(&answer)).map(drop)
    };
    let object = attestation_object(&authenticator.attested());
    assert_eq!(refused(&object), Ok(()));
    for length in 0..object.len() {
        assert!(refused(&object[..length]).is_err(), "{length}");
    }
    assert_eq!(
        refused(&[&object[..], &[0]].concat()),
        Err(Refused::Attestation)
    );
    // A byte more than the key, within the authenticator data.
    let longer = [&authenticator.attested()[..], &[0]].concat();
    assert_eq!(
        refused(&attestation_object(&longer)),
        Err(Refused::AuthenticatorData)
    );
    // A statement where there is none, the same member twice, lengths of gigabytes.
    for object in [
        &b"\xa3\x63fmt\x64none\x67attStmt\xa1\x61a\x01\x68authData\x40"[..],
        b"\xa3\x63fmt\x64none\x63fmt\x64none\x68authData\x40",
        b"\xa3\x63fmt\x7a\xff\xff\xff\xff",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x63fmt",
        b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbf\x63fmt\x64none\xff",
    ] {
        assert_eq!(refused(object), Err(Refused::Attestation));
    }
    // Without a credential.
    let bare = attestation_object(&authenticator.authenticator_data(UP | UV));
    assert_eq!(refused(&bare), Err(Refused::AuthenticatorData));
}

#[test]
fn keys_that_are_not_accepted() {
    let authenticator = Authenticator::es256();
    let challenge = Challenge::generate().unwrap();
    let good = authenticator.cose_key();
    let head = authenticator.attested();
    let head = &head[..head.len() - good.len()];
    let refused = |key: &[u8]| {
        let object = attestation_object(&[head, key].concat());
        let answer = authenticator.create_with(challenge.as_bytes(), "webauthn.create", &object);
        register(&party(), &challenge, REQUIRED, &bytes(&answer)).map(drop)
    };
    assert_eq!(refused(&good), Ok(()));
    let changed = |at: usize, byte: u8| {
        let mut key = good.clone();
        key[at] = byte;
        key
    };
    // kty, alg, crv of another algorithm than the rest.
    assert_eq!(refused(&changed(2, 0x01)), Err(Refused::Key));
    assert_eq!(refused(&changed(2, 0x03)), Err(Refused::Key));
    assert_eq!(refused(&changed(4, 0x27)), Err(Refused::Key));
    assert_eq!(refused(&changed(6, 0x02)), Err(Refused::Key));
    // ES384 (-35), ES256K (-47), HMAC 256/256 (5), RS1 (-65535).
    for alg in [
        &[0x38, 0x22][..],
        &[0x38, 0x2e],
        &[0x05],
        &[0x39, 0xff, 0xfe],
    ] {
        let key = [&good[..4], alg, &good[5..]].concat();
        assert_eq!(refused(&key), Err(Refused::Algorithm));
    }
    // A compressed point: y is a truth value (RFC 9053 §7.1.1).
    assert_eq!(refused(&[&good[..43], &[0xf5]].concat()), Err(Refused::Key));
    // A label twice, a coordinate that is short.
    let twice = [&[0xa6][..], &good[1..], &[0x01, 0x02]].concat();
    assert_eq!(refused(&twice), Err(Refused::Key));
    let short = [&good[..7], &[0x21, 0x41, 0x01], &good[42..]].concat();
    assert_eq!(refused(&short), Err(Refused::Key));
    // RSA of 1024 bits.
    let weak = [
        &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x58, 0x80][..],
        &[0xff; 128],
        &[0x21, 0x43, 1, 0, 1],
    ]
    .concat();
    assert_eq!(refused(&weak), Err(Refused::Key));
}

#[test]
fn assertions_that_do_not_hold() {
    let mut authenticator = Authenticator::es256();
    let passkey = registered(&authenticator);
    let challenge = Challenge::generate().unwrap();
    let asked = challenge.as_bytes();
    let good = authenticator.get(asked);
    assert!(answered(&passkey, &challenge, &good).is_ok());

    // Replayed against a later challenge.
    let later = Challenge::generate().unwrap();
    assert_eq!(answered(&passkey, &later, &good), Err(Refused::Challenge));
    // A registration in place of an authentication.
    let data = authenticator.authenticator_data(UP | UV);
    assert_eq!(
        answered(
            &passkey,
            &challenge,
            &authenticator.get_with(asked, "webauthn.create", &data)
        ),
        Err(Refused::Type)
    );
    // Another credential's answer, under its own id and under ours.
    let mut stranger = Authenticator::es256();
    stranger.credential_id = b"a stranger".to_vec();
    assert_eq!(
        answered(&passkey, &challenge, &stranger.get(asked)),
        Err(Refused::CredentialId)
    );
    stranger
        .credential_id
        .clone_from(&authenticator.credential_id);
    assert_eq!(
        answered(&passkey, &challenge, &stranger.get(asked)),
        Err(Refused::Signature)
    );
    // Another algorithm's signature over the right message.
    for other in [Authenticator::ed_dsa(), Authenticator::rs256()] {
        assert_eq!(
            answered(&passkey, &challenge, &other.get(asked)),
            Err(Refused::Signature)
        );
    }
    for (flags, why) in [
        (UV, Refused::UserPresent),
        (UP, Refused::UserVerified),
        (UP | UV | BE, Refused::Backup),
        (UP | UV | BS, Refused::Backup),
        (UP | UV | AT, Refused::AuthenticatorData),
    ] {
        authenticator.flags = flags;
        assert_eq!(
            answered(&passkey, &challenge, &authenticator.get(asked)),
            Err(why)
        );
    }
    authenticator.flags = UP | UV;
    authenticator.rp_id = "evil.example".to_owned();
    assert_eq!(
        answered(&passkey, &challenge, &authenticator.get(asked)),
        Err(Refused::RpIdHash)
    );
    // What was signed, changed afterwards: the counter, the flags, the client data.
    let mut answer = good.clone();
    let mut data = unbase64url(good["response"]["authenticatorData"].as_str().unwrap());
    data[36] = 9;
    answer["response"]["authenticatorData"] = base64url(&data).into();
    assert_eq!(
        answered(&passkey, &challenge, &answer),
        Err(Refused::Signature)
    );
    let mut answer = good.clone();
    let mut data = unbase64url(good["response"]["clientDataJSON"].as_str().unwrap());
    data.push(b' ');
    answer["response"]["clientDataJSON"] = base64url(&data).into();
    assert_eq!(
        answered(&passkey, &challenge, &answer),
        Err(Refused::Signature)
    );
    for signature in ["", "AAAA", &base64url([0; 64]), &base64url(vec![0; 1025])] {
        let mut answer = good.clone();
        answer["response"]["signature"] = signature.into();
        assert_eq!(
            answered(&passkey, &challenge, &answer),
            Err(Refused::Signature)
        );
    }
    // A member twice: whoever reads the first and whoever reads the last see two origins.
    let mut answer = good;
    let data = format!(
        r#"{{"type":"webauthn.get","challenge":"{}","origin":"https://evil.example","origin":"https://kura.example.org"}}"#,
        base64url(asked)
    );
    answer["response"]["clientDataJSON"] = base64url(data).into();
    assert_eq!(
        answered(&passkey, &challenge, &answer),
        Err(Refused::ClientData)
    );
}

#[test]
fn extensions_are_passed_over() {
    let authenticator = Authenticator::es256();
    let passkey = registered(&authenticator);
    let challenge = Challenge::generate().unwrap();
    let data = [
        &authenticator.authenticator_data(UP | UV | ED)[..],
        b"\xa1\x6bhmac-secret\xf5",
    ]
    .concat();
    let answer = authenticator.get_with(challenge.as_bytes(), "webauthn.get", &data);
    assert!(answered(&passkey, &challenge, &answer).is_ok());
}

#[test]
fn relying_parties() {
    for (id, origin) in [
        ("kura.example.org", "https://kura.example.org"),
        ("example.org", "https://kura.example.org:8443"),
        ("localhost", "http://localhost:8080"),
    ] {
        assert!(RelyingParty::new(id, "Kura", [origin]).is_ok(), "{origin}");
    }
    for (id, origin) in [
        ("", "https://kura.example.org"),
        ("kura.example.org", "https://example.org"),
        ("example.org", "https://notexample.org"),
        ("example.org", "http://example.org"),
        ("example.org", "https://example.org/"),
        ("example.org", "https://example.org:99999"),
        ("example.org", "https://EXAMPLE.org"),
        ("example.org", "https://evil.example?.example.org"),
        ("example.org", "example.org"),
    ] {
        assert_eq!(
            RelyingParty::new(id, "Kura", [origin]),
            Err(Refused::RelyingParty),
            "{origin}"
        );
    }
    assert!(RelyingParty::new("a", "Kura", [] as [&str; 0]).is_err());
    assert!(Challenge::from_bytes(&[0; 15]).is_err());
    assert!(UserHandle::from_bytes(&[0; 65]).is_err());
    assert!(CredentialId::from_bytes(&[]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused(answer in prop::collection::vec(any::<u8>(), 0..200)) {
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        prop_assert!(register(&party(), &challenge, REQUIRED, &answer).is_err());
        prop_assert!(Assertion::parse(&answer).is_err());
    }

    #[test]
    fn any_change_of_an_attestation_is_read_or_refused(
        at in 0_usize..200,
        to in any::<u8>(),
    ) {
        let authenticator = Authenticator::new(crate::authenticator::Pair::EdDsa(
            ring::signature::Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap(),
        ));
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        let mut object = attestation_object(&authenticator.attested());
        let at = at % object.len();
        object[at] = to;
        let answer = authenticator.create_with(challenge.as_bytes(), "webauthn.create", &object);
        let _ = register(&party(), &challenge, REQUIRED, &bytes(&answer));
    }
}
