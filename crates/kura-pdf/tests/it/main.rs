//! Documents typeset and read back by the programs of others.

mod breaking;
mod document;
mod fonts;
mod support;
