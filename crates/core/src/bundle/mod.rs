//! Parts of the audit log for people outside: what they can judge without a server or a vault.

pub mod tlog_proof;
