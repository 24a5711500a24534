//! Formats of an older secrets service, so that its published clients work unchanged: tokens, wrapped
//! data keys, sealed values. Import and export only: no native object is ever read from them.

#![forbid(unsafe_code)]
