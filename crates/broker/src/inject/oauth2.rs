//! OAuth 2 refresh tokens (RFC 6749, section 6): the provider's token endpoint alone sees them.

use std::sync::Arc;

use strongroom_secret::SecretBytes;

use super::InjectError;
use crate::{egress::Egress, leases::Lease};

/// Access tokens that providers gave, until they end.
#[derive(Debug, Default)]
pub struct Refreshed {}

impl Refreshed {
    /// All of them go.
    pub fn clear(&self) {}

    /// An access token for a lease; `captured` gets a refresh token that replaces the lease's.
    pub async fn access(
        &self,
        egress: &Egress,
        lease: &Lease,
        token_url: &str,
        scopes: &[String],
        captured: impl FnOnce(SecretBytes),
    ) -> Result<Arc<SecretBytes>, InjectError> {
        let _ = (egress, lease, token_url, scopes, captured);
        Err(InjectError::Refresh("not yet".to_owned()))
    }
}
