//! Tests of the constructs against public vectors, recorded vectors and attacks.
