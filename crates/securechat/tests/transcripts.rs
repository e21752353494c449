//! What people read, as text: every `--help`, and errors that need neither broker nor profile.
//!
//! `TRYCMD=overwrite cargo test -p securechat --test transcripts` writes the files anew; read the
//! difference.

#[test]
fn what_the_program_says() {
    let cases = trycmd::TestCases::new();
    // A home that is never made: no profile, no configuration, nobody to ask.
    cases.env("SECURECHAT_HOME", "nowhere").env("SECURECHAT_NO_INPUT", "1");
    cases.case("tests/cmd/*.trycmd");
}
