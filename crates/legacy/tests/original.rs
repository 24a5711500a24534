//! What the old formats cannot keep, shown on them, and the same attack on our own.
//!
//! Each test plays the server of the old service, or who recorded it: it knows what that server
//! sees and no more. First it succeeds; then it tries the native objects and fails.
#![expect(clippy::unwrap_used, reason = "a broken fixture should fail loudly")]

mod orig {
    use strongroom_crypto::safe::context::{Context, ItemContext};
    use strongroom_crypto::safe::{
        self, Dek as NativeDek, EncryptionKey, OsEntropy, Recipient as Reader, ServiceToken,
        WrapContext,
    };
    use strongroom_format::id::{EnvId, OrgId, Principal, SecretId, TokenId};
    use strongroom_legacy::{Dek, Minted, Token, TokenHash};

    fn os(out: &mut [u8]) -> Result<(), getrandom::Error> {
        getrandom::fill(out)
    }

    /// What a token's environment is made of on the old server.
    struct OldEnv {
        id: &'static str,
        wrapped: String,
        sealed: String,
    }

    fn old_env(id: &'static str, token: &Minted, value: &str) -> OldEnv {
        let dek = Dek::make(&mut os).unwrap();
        let wrapped = token.recipient.wrap(&dek, &mut os).unwrap();
        let sealed = dek.seal(id, "STRIPE_KEY", value.as_bytes(), &mut os).unwrap();
        OldEnv { id, wrapped, sealed }
    }

    /// What the holder of a token makes of an answer.
    fn read(token: &Token, env: &str, wrapped: &str, sealed: &str) -> Option<String> {
        let dek = token.unwrap(wrapped).ok()?;
        dek.open(env, "STRIPE_KEY", sealed).ok().map(|value| value.lend(str::to_owned))
    }

    fn wrap_context(reader: &EncryptionKey, env: u8, dek: &NativeDek) -> WrapContext {
        let (org, env) = (OrgId([1; 32]), EnvId([env; 16]));
        WrapContext {
            org,
            env,
            epoch: 1,
            dek_commit: dek.commit(&org, &env, 1),
            recipient: Reader {
                principal: Principal::Token(TokenId([3; 16])),
                iek: reader.public(),
            },
            author: Principal::Token(TokenId([4; 16])),
            author_isk: [5; 32],
        }
    }

    fn item(version: u64) -> Context {
        let (org, env, secret) = (OrgId([1; 32]), EnvId([2; 16]), SecretId([6; 16]));
        ItemContext { org, app_or_group: [7; 16], env, epoch: 1, secret, version, field: 2 }
            .context()
    }

    #[test]
    fn token_exposure_the_old_bearer_opens_everything_and_ours_nothing() {
        // The client sends this header, and the server keeps what a recorder would.
        let minted = Token::mint(os).unwrap();
        let env = old_env("env_prod", &minted, "sk_live_1");
        let header = minted.token.lend(|text| format!("Bearer {text}"));

        let stolen = Token::parse(header.strip_prefix("Bearer ").unwrap()).unwrap();
        let value = read(&stolen, env.id, &env.wrapped, &env.sealed);
        assert_eq!(value.as_deref(), Some("sk_live_1"));

        // Ours sends its id and 32 bytes that are derived away from the keys.
        let token = ServiceToken::make(&mut OsEntropy).unwrap();
        let dek = NativeDek::make(&mut OsEntropy).unwrap();
        let context = wrap_context(&token.encryption(), 2, &dek);
        let wrap = dek.wrap(&context, &mut OsEntropy).unwrap();
        assert!(NativeDek::unwrap_with(&token.encryption(), &context, &wrap).is_ok());
        let sent = token.bearer().lend(|bytes| data_encoding::BASE64URL_NOPAD.encode(bytes));
        let whole = token.to_text();
        whole.lend(|whole| {
            let secret = whole.split('_').nth(2).unwrap();
            assert!(!sent.contains(secret) && !secret.contains(&sent));
            assert!(ServiceToken::parse(&sent).is_err());
        });
    }

    #[test]
    fn wd1_swap_a_wrapped_key_moves_between_old_environments_and_not_between_ours() {
        let minted = Token::mint(os).unwrap();
        let token = minted.token.lend(|text| Token::parse(text).unwrap());
        let (test, prod) =
            (old_env("env_test", &minted, "sk_test"), old_env("env_prod", &minted, "sk_live"));
        // The server calls the environment it was asked for by the other one's id: the client that
        // wanted production works with what is for tests, and nothing says so.
        assert!(token.unwrap(&test.wrapped).is_ok());
        let value = read(&token, test.id, &test.wrapped, &test.sealed);
        assert_eq!(value.as_deref(), Some("sk_test"));
        assert_ne!(test.id, prod.id);

        let key = ServiceToken::make(&mut OsEntropy).unwrap().encryption();
        let dek = NativeDek::make(&mut OsEntropy).unwrap();
        let in_test = wrap_context(&key, 2, &dek);
        let wrap = dek.wrap(&in_test, &mut OsEntropy).unwrap();
        assert!(NativeDek::unwrap_with(&key, &in_test, &wrap).is_ok());
        let in_prod = wrap_context(&key, 9, &dek);
        assert!(NativeDek::unwrap_with(&key, &in_prod, &wrap).is_err());
    }

    #[test]
    fn wd1_forge_anybody_wraps_a_key_of_their_own_to_an_old_token_and_not_to_ours() {
        let minted = Token::mint(os).unwrap();
        let token = minted.token.lend(|text| Token::parse(text).unwrap());
        // All that the server needs is the public key that it stores.
        let known = Dek::make(&mut os).unwrap();
        let wrapped = minted.recipient.wrap(&known, &mut os).unwrap();
        let sealed = known.seal("env_prod", "STRIPE_KEY", b"mine", &mut os).unwrap();
        assert_eq!(read(&token, "env_prod", &wrapped, &sealed).as_deref(), Some("mine"));

        // Ours must also match the commitment in the signed link of the epoch.
        let key = ServiceToken::make(&mut OsEntropy).unwrap().encryption();
        let real = NativeDek::make(&mut OsEntropy).unwrap();
        let known = NativeDek::make(&mut OsEntropy).unwrap();
        let context = wrap_context(&key, 2, &real);
        let forged = known.wrap(&context, &mut OsEntropy).unwrap();
        assert!(NativeDek::unwrap_with(&key, &context, &forged).is_err());
    }

    #[test]
    fn grant_key_the_old_grant_goes_to_whatever_key_the_server_names_and_ours_to_no_other() {
        // The granting client asks the server for the token's public key.
        let minted = Token::mint(os).unwrap();
        let servers = Token::mint(os).unwrap();
        let answered = servers.recipient.to_jwk();
        let dek = Dek::make(&mut os).unwrap();
        let sealed = dek.seal("env_prod", "STRIPE_KEY", b"sk_live", &mut os).unwrap();
        let grant = strongroom_legacy::Recipient::from_jwk(&answered).unwrap();
        let wrapped = grant.wrap(&dek, &mut os).unwrap();
        let server = servers.token.lend(|text| Token::parse(text).unwrap());
        assert_eq!(read(&server, "env_prod", &wrapped, &sealed).as_deref(), Some("sk_live"));
        let owner = minted.token.lend(|text| Token::parse(text).unwrap());
        assert_eq!(read(&owner, "env_prod", &wrapped, &sealed), None);

        // Ours takes it from the signed chain, and names it in what the wrap is bound to.
        let dek = NativeDek::make(&mut OsEntropy).unwrap();
        let theirs = ServiceToken::make(&mut OsEntropy).unwrap().encryption();
        let from_chain = ServiceToken::make(&mut OsEntropy).unwrap().encryption();
        let context = wrap_context(&from_chain, 2, &dek);
        let wrap = dek.wrap(&context, &mut OsEntropy).unwrap();
        assert!(NativeDek::unwrap_with(&theirs, &context, &wrap).is_err());
        let substituted = wrap_context(&theirs, 2, &dek);
        assert!(NativeDek::unwrap_with(&theirs, &substituted, &wrap).is_err());
    }

    #[test]
    fn secret_rollback_an_older_value_opens_in_the_place_of_a_newer_one_and_ours_does_not() {
        let minted = Token::mint(os).unwrap();
        let token = minted.token.lend(|text| Token::parse(text).unwrap());
        let dek = Dek::make(&mut os).unwrap();
        let wrapped = minted.recipient.wrap(&dek, &mut os).unwrap();
        let seal =
            |value: &str| dek.seal("env_prod", "STRIPE_KEY", value.as_bytes(), &mut os).unwrap();
        let (first, second) = (seal("sk_stolen"), seal("sk_new"));
        assert_eq!(read(&token, "env_prod", &wrapped, &second).as_deref(), Some("sk_new"));
        // The server answers with the ciphertext from before the rotation.
        assert_eq!(read(&token, "env_prod", &wrapped, &first).as_deref(), Some("sk_stolen"));

        let dek = NativeDek::make(&mut OsEntropy).unwrap();
        let first = safe::seal(&dek, &item(1), b"sk_stolen", &mut OsEntropy).unwrap();
        assert!(safe::open(&dek, &item(1), &first).is_ok());
        assert!(safe::open(&dek, &item(2), &first).is_err());
    }

    #[test]
    fn layer_injection_the_old_merge_takes_a_layer_that_nobody_wrote() {
        let minted = Token::mint(os).unwrap();
        let token = minted.token.lend(|text| Token::parse(text).unwrap());
        // No key of the organisation is needed for it: only the token's public half.
        let known = Dek::make(&mut os).unwrap();
        let wrapped = minted.recipient.wrap(&known, &mut os).unwrap();
        let sealed = known.seal("env_new", "LD_PRELOAD", b"/tmp/x.so", &mut os).unwrap();
        let taken = token.unwrap(&wrapped).unwrap().open("env_new", "LD_PRELOAD", &sealed);
        assert!(taken.unwrap().lend(|path| path == "/tmp/x.so"));
    }

    #[test]
    fn a_token_is_found_by_its_hash_and_the_hash_opens_nothing() {
        let minted = Token::mint(os).unwrap();
        minted.token.lend(|text| {
            assert_eq!(TokenHash::of(text), minted.hash);
            assert_ne!(TokenHash::of(&text[..text.len() - 1]), minted.hash);
        });
        assert!(Token::parse(&minted.hash.to_string()).is_err());
    }
}
