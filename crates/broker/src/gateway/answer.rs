//! The answer in the older service's form: names in clear, values sealed to the token that asked.

use serde::Serialize;
use strongroom_crypto::safe::{Entropy as _, EntropyError, OsEntropy};
use strongroom_legacy::{Dek, LegacyError, Recipient};
use strongroom_secret::SecretBytes;

use super::{GatewayError, Label, Layer, Outline};

/// What `/v1/resolve` answers.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    scope: Scope,
    layers: Vec<Sealed>,
}

/// What the token is bound to; clients show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scope {
    org_id: String,
    org_slug: String,
    app_id: String,
    app_slug: String,
    env_id: String,
    env_slug: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    source: &'static str,
    environment_id: String,
    slug: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_slug: Option<String>,
    wrapped_dek: String,
    secrets: Vec<SealedSecret>,
}

#[derive(Debug, Serialize)]
struct SealedSecret {
    name: String,
    ciphertext: String,
}

impl Answer {
    /// Seals values to the token's public half, under a data key for each layer that is used for
    /// this answer alone.
    pub(super) fn seal(
        outline: &Outline,
        values: &[Vec<SecretBytes>],
    ) -> Result<Self, GatewayError> {
        let layers = outline.layers.iter().zip(values);
        let layers = layers.map(|(layer, values)| seal(layer, values, &outline.recipient));
        Ok(Self { scope: Scope::of(outline), layers: layers.collect::<Result<_, _>>()? })
    }
}

impl Scope {
    fn of(outline: &Outline) -> Self {
        let env = outline.layers.last();
        let (Label { id: org_id, slug: org_slug }, Label { id: app_id, slug: app_slug }) =
            (outline.org.clone(), outline.app.clone());
        let env_id = env.map(env_id).unwrap_or_default();
        let env_slug = env.map(|env| env.slug.clone()).unwrap_or_default();
        Self { org_id, org_slug, app_id, app_slug, env_id, env_slug }
    }
}

fn seal(
    layer: &Layer,
    values: &[SecretBytes],
    recipient: &Recipient,
) -> Result<Sealed, GatewayError> {
    let mut fill = |out: &mut [u8]| OsEntropy.fill(out);
    let environment_id = env_id(layer);
    let dek = Dek::make(&mut fill).map_err(|error| unsealed("", error))?;
    let wrapped_dek = recipient.wrap(&dek, &mut fill).map_err(|error| unsealed("", error))?;
    let secrets = layer.names.iter().zip(values).map(|(name, value)| {
        let sealed = value.lend(|value| dek.seal(&environment_id, name, value, &mut fill));
        let ciphertext = sealed.map_err(|error| unsealed(name, error))?;
        Ok(SealedSecret { name: name.clone(), ciphertext })
    });
    let secrets = secrets.collect::<Result<_, GatewayError>>()?;
    Ok(Sealed {
        source: if layer.group.is_some() { "group" } else { "app" },
        environment_id,
        slug: layer.slug.clone(),
        group_slug: layer.group.clone(),
        wrapped_dek,
        secrets,
    })
}

/// Values are bound to this id, so two environments never share one.
fn env_id(layer: &Layer) -> String {
    layer.env.to_string()
}

fn unsealed(name: &str, error: LegacyError) -> GatewayError {
    match error {
        LegacyError::NotText => GatewayError::forbidden(format!(
            "the value of {name:?} is not text, which this client cannot take; move it out of this \
             environment"
        )),
        _ => GatewayError::unavailable(EntropyError.to_string()),
    }
}
