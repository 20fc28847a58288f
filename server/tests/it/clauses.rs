//! One test for each requirement that binds this cache, named after its clause.
//!
//! The first lines of a test's documentation say the clause and the requirement
//! in our words; `docs/conformance.md` is made of them ([`table`]).

mod rfc5861;
mod rfc8246;
mod rfc9110;
mod rfc9110_s13;
mod rfc9110_s14;
mod rfc9110_s15;
mod rfc9111_s1;
mod rfc9111_s3;
mod rfc9111_s4;
mod rfc9111_s4_2;
mod rfc9111_s4_3;
mod rfc9111_s5;
mod rfc9111_s5_2;
mod rfc9211;
mod rfc9213;
mod rfc9875;
mod table;
