//! What only a build with networks can do. `crates/kura/tests` tests everything else from outside.
#![cfg(feature = "network")]

mod network;
