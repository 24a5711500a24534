//! Tokens of an issuer that are not what they seem (rows H01 to H08).

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use strongroom_format::wire::AccountAnswer;

use crate::issuer::{CLIENT, NOW, Signer, text};
use crate::oidc::Scene;
use crate::team::Person;

/// Headers that must not pass, whatever follows them.
fn headers(scene: &Scene) -> Vec<String> {
    let evil = format!("{}/evil", scene.issuer.url);
    let headers = [
        // H01 and H02: no algorithm, others, other spellings.
        json!({ "alg": "none", "kid": "k1" }),
        json!({ "alg": "None", "kid": "k1" }),
        json!({ "alg": "NONE", "kid": "k1" }),
        json!({ "alg": "nOnE", "kid": "k1" }),
        json!({ "alg": "", "kid": "k1" }),
        json!({ "alg": "HS256", "kid": "k1" }),
        json!({ "alg": "HS512", "kid": "k1" }),
        json!({ "alg": "RS256", "kid": "k1" }),
        json!({ "alg": "PS256", "kid": "k1" }),
        json!({ "alg": "ES256", "kid": "k1" }),
        json!({ "alg": "ES256K", "kid": "k1" }),
        json!({ "alg": "Ed25519", "kid": "k1" }),
        json!({ "alg": "eddsa", "kid": "k1" }),
        json!({ "alg": "EdDSA ", "kid": "k1" }),
        json!({ "alg": ["EdDSA"], "kid": "k1" }),
        json!({ "alg": null, "kid": "k1" }),
        json!({ "kid": "k1" }),
        // H03: keys and addresses that the token brings along.
        json!({ "alg": "EdDSA", "kid": "k1", "jku": evil }),
        json!({ "alg": "EdDSA", "kid": "k1", "x5u": evil }),
        json!({ "alg": "EdDSA", "kid": "k1", "x5c": ["MIIB"] }),
        json!({ "alg": "EdDSA", "kid": "k1", "x5t": "AAAA" }),
        json!({ "alg": "EdDSA", "kid": "k1", "jwk": scene.signer.jwk("k1") }),
        json!({ "alg": "EdDSA", "kid": "k1", "crit": ["exp"] }),
        json!({ "alg": "EdDSA", "kid": "k1", "crit": [] }),
        json!({ "alg": "EdDSA", "kid": "k1", "b64": false }),
        json!({ "alg": "EdDSA", "kid": "k1", "zip": "DEF" }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": "at+jwt" }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": null }),
        json!({ "alg": "EdDSA", "kid": "k1", "cty": "JWT" }),
        // H04: names of keys that are paths, queries, statements, addresses.
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": null }),
        json!({ "alg": "EdDSA", "kid": 1 }),
        json!({ "alg": "EdDSA", "kid": "" }),
        json!({ "alg": "EdDSA", "kid": "../../k1" }),
        json!({ "alg": "EdDSA", "kid": "/dev/null" }),
        json!({ "alg": "EdDSA", "kid": "k1' OR '1'='1" }),
        json!({ "alg": "EdDSA", "kid": "http://127.0.0.1/k1" }),
        json!({ "alg": "EdDSA", "kid": "k1\u{0}" }),
        json!({ "alg": "EdDSA", "kid": "K1" }),
        json!({ "alg": "EdDSA", "kid": "k".repeat(65) }),
    ];
    let raw = [r#"{"alg":"EdDSA","kid":"k1","kid":"k1"}"#, r#"["EdDSA","k1"]"#, "", "{}", "k1"];
    headers.iter().map(Value::to_string).chain(raw.map(str::to_owned)).collect()
}

/// Claims that must not pass, whoever signed them.
fn claims(scene: &Scene) -> Vec<String> {
    let (good, url) = (scene.issuer.claims("mara"), &scene.issuer.url);
    let mut bad = Vec::new();
    let other = "https://evil.example";
    for (name, value) in [
        // H05: missing and mistyped.
        ("exp", Value::Null),
        ("exp", json!(format!("{}", NOW + 60))),
        ("exp", json!([NOW + 60])),
        ("exp", json!({ "$gt": 0 })),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(true)),
        ("exp", json!(1_800_000_120.5)),
        ("exp", json!(NOW - 61)),
        ("exp", json!(NOW + 25 * 3600)),
        ("exp", json!(u64::MAX)),
        ("iat", Value::Null),
        ("iat", json!(format!("{NOW}"))),
        ("iat", json!(NOW + 62)),
        ("iat", json!(NOW + 7200)),
        ("nbf", json!(NOW + 62)),
        ("nbf", json!(format!("{NOW}"))),
        ("nbf", json!(null)),
        ("nbf", json!([0])),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!(["mara"])),
        ("sub", json!(7)),
        ("sub", json!("m".repeat(256))),
        // H06: the issuer, exactly.
        ("iss", Value::Null),
        ("iss", json!(other)),
        ("iss", json!(format!("{url}/"))),
        ("iss", json!(url.to_uppercase())),
        ("iss", json!([url])),
        ("iss", json!("")),
        ("iss", json!(scene.server.client.origin)),
        // H07: the audience, exactly, and the party where there are several.
        ("aud", Value::Null),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!("another-app")),
        ("aud", json!(["another-app"])),
        ("aud", json!([CLIENT, "another-app"])),
        ("aud", json!([CLIENT, "strongroom-api"])),
        ("aud", json!([[CLIENT]])),
        ("aud", json!({ "0": CLIENT })),
        ("aud", json!(format!("{CLIENT} "))),
        ("aud", json!(CLIENT.to_uppercase())),
        ("aud", json!(vec![CLIENT; 17])),
        ("azp", json!("another-app")),
        ("azp", json!(null)),
        ("azp", json!([CLIENT])),
    ] {
        let mut claims = good.clone();
        if value.is_null() && name != "nbf" && name != "azp" {
            claims.as_object_mut().unwrap().remove(name);
            bad.push(claims.to_string());
        }
        claims[name] = value;
        bad.push(claims.to_string());
    }
    let doubled = good.to_string().replacen('{', r#"{"sub":"owner","#, 1);
    for claims in [doubled.as_str(), "[]", "", "null", "\"mara\"", "{}"] {
        bad.push(claims.to_owned());
    }
    bad
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_token_passes() {
    let scene = Scene::new(Signer::ed(1)).await;
    let good = scene.issuer.claims("mara").to_string();
    let (headers, claims) = (headers(&scene), claims(&scene));
    assert!(headers.len() + claims.len() >= 100, "{} and {}", headers.len(), claims.len());
    let fetches = scene.issuer.fetches();
    for header in &headers {
        let token = scene.signer.token(header, &good);
        assert_eq!(scene.code(&token).await, "sign-in-required", "{header}");
    }
    for claims in &claims {
        let token = scene.signer.token(&scene.header(), claims);
        assert_eq!(scene.code(&token).await, "sign-in-required", "{claims}");
    }
    // What is nearly hostile and is not: both show that the probe works.
    for (name, value) in [
        ("aud", json!([CLIENT])),
        ("aud", json!("strongroom-api")),
        ("azp", json!(CLIENT)),
        ("nbf", json!(NOW)),
        ("iat", json!(NOW + 59)),
        ("nonce", json!("n")),
    ] {
        let mut claims = scene.issuer.claims("mara");
        claims[name] = value;
        let token = scene.signer.token(&scene.header(), &claims.to_string());
        assert_eq!(scene.code(&token).await, "ok", "{claims}");
    }
    let mut claims = scene.issuer.claims("mara");
    (claims["aud"], claims["azp"]) = (json!([CLIENT, "strongroom-api"]), json!(CLIENT));
    let token = scene.signer.token(&scene.header(), &claims.to_string());
    assert_eq!(scene.code(&token).await, "ok");
    let asked = scene.issuer.served.lock().unwrap().asked.clone();
    assert!(asked.iter().all(|path| path == "/jwks"), "{asked:?}");
    assert_eq!(asked.len(), fetches, "names of keys that cannot be are not asked for");
}

/// The shapes that Wycheproof's file for JWS varies a sound token into, for each algorithm.
#[tokio::test(flavor = "multi_thread")]
async fn no_broken_shape_of_a_sound_token_passes() {
    for signer in [Signer::ed(1), Signer::ec(), Signer::rsa()] {
        let scene = Scene::new(signer).await;
        let good = scene.token("mara");
        let parts: Vec<&str> = good.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let flipped = |part: &str, at: usize| {
            let mut bytes = part.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let public = scene.signer.jwk("k1").to_string();
        let json = json!({ "payload": claims, "protected": header, "signature": signature });
        let list = json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
        let stranger =
            Signer::ed(99).token(&scene.header(), &scene.issuer.claims("mara").to_string());
        let mut bad = vec![
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            format!("{header}..{signature}"),
            format!("{header}.{signature}"),
            format!(".{claims}.{signature}"),
            format!("{claims}.{signature}"),
            format!(".{claims}."),
            claims.to_owned(),
            ".".to_owned(),
            "..".to_owned(),
            format!("{good}."),
            format!("{good}.foo"),
            format!("{good}="),
            format!("{header}=.{claims}.{signature}"),
            format!("{header}.{claims}.{}", flipped(signature, 0)),
            format!("{header}.{}.{signature}", flipped(claims, 20)),
            format!("{}.{claims}.{signature}", flipped(header, 12)),
            format!("{header}.{claims}.{}", &signature[..signature.len() - 4]),
            format!("{header}.{claims}.{signature}AAAA"),
            format!("{header}.{claims}.{}", text(&[0; 64])),
            format!("{header}.{claims}.{}", text(&[0; 256])),
            format!("{header}.{claims}.{}", text(public.as_bytes())),
            json.to_string(),
            list.to_string(),
            stranger,
        ];
        for alg in ["none", "HS256"] {
            let other = text(json!({ "alg": alg, "kid": "k1" }).to_string().as_bytes());
            bad.push(format!("{other}.{claims}."));
            bad.push(format!("{other}.{claims}.{signature}"));
        }
        for token in bad {
            assert_eq!(scene.code(&token).await, "sign-in-required", "{token}");
        }
        assert_eq!(scene.code(&good).await, "ok");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tokens_that_begin_alike_are_two() {
    let scene = Scene::new(Signer::ed(1)).await;
    let client = &scene.server.client;
    let bob = client.account(&Person::new(2));
    let named = |subject: &str| {
        let url = &scene.issuer.url;
        let pad = "p".repeat(300);
        let claims = format!(
            r#"{{"pad":"{pad}","iss":"{url}","aud":"{CLIENT}","iat":{NOW},"exp":{},"sub":"{subject}"}}"#,
            NOW + 60
        );
        scene.signer.token(&scene.header(), &claims)
    };
    client.post_json_as("/v1/accounts", &scene.token("bob"), &bob).await.is(201, "ok");
    let (one, two, none) = (named("mara"), named("bob"), named("eve"));
    assert_eq!(one[..200], two[..200]);
    for (token, user) in [(&one, 1), (&two, 2), (&one, 1)] {
        let answer: AccountAnswer = client.get("/v1/account", token).await.json();
        assert_eq!(answer.user_id, Person::new(user).user());
    }
    assert_eq!(scene.code(&none).await, "unknown-identity");
    let last = if one.ends_with('A') { "Q" } else { "A" };
    let other = format!("{}{last}", &one[..one.len() - 1]);
    assert_eq!(scene.code(&other).await, "sign-in-required");
}

/// H02: the public key, in every spelling that a library might take for a secret.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_is_no_secret_to_sign_with() {
    for signer in [Signer::ed(1), Signer::ec(), Signer::rsa()] {
        let scene = Scene::new(signer).await;
        let jwk = scene.signer.jwk("k1");
        let claims = scene.issuer.claims("mara").to_string();
        let mut secrets = vec![jwk.to_string().into_bytes(), Vec::new()];
        for name in ["n", "e", "x", "y"] {
            let Some(part) = jwk[name].as_str() else { continue };
            secrets.push(part.as_bytes().to_vec());
            secrets.push(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap());
        }
        for alg in ["HS256", scene.signer.algorithm().name()] {
            let header = json!({ "alg": alg, "kid": "k1" }).to_string();
            let signed = format!("{}.{}", text(header.as_bytes()), text(claims.as_bytes()));
            for secret in &secrets {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
                mac.update(signed.as_bytes());
                let token = format!("{signed}.{}", text(&mac.finalize().into_bytes()));
                assert_eq!(scene.code(&token).await, "sign-in-required", "{token}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_of_a_sound_token_passes() {
    let scene = Scene::new(Signer::ed(1)).await;
    let good = scene.token("mara");
    for at in 0..good.len() {
        for bit in [0, 2, 5] {
            let mut flipped = good.clone().into_bytes();
            flipped[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(flipped) else { continue };
            if flipped.bytes().all(|byte| byte.is_ascii_graphic()) {
                assert_eq!(scene.code(&flipped).await, "sign-in-required", "byte {at}");
            }
        }
    }
    assert_eq!(scene.code(&good).await, "ok");
}

/// H04: whatever a name of a key may hold, it names nothing but what was published.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_name_of_a_key_finds_it() {
    let scene = Scene::new(Signer::ed(1)).await;
    let claims = scene.issuer.claims("mara").to_string();
    for byte in 0..=127u8 {
        let odd = char::from(byte);
        for kid in [format!("k1{odd}"), format!("{odd}k1"), format!("k{odd}1")] {
            let header = json!({ "alg": "EdDSA", "kid": kid }).to_string();
            let token = scene.signer.token(&header, &claims);
            assert_eq!(scene.code(&token).await, "sign-in-required", "{kid:?}");
        }
    }
    let asked = scene.issuer.served.lock().unwrap().asked.clone();
    assert_eq!(asked, ["/jwks"]);
}
