//! P6: a command in the wrong state does not compile.
//!
//! What the compiler says stands beside each program; `TRYBUILD=overwrite` writes it anew.

#[test]
fn p06_a_command_in_the_wrong_state_does_not_compile() {
    let programs = trybuild::TestCases::new();
    programs.compile_fail("tests/compile_fail/*.rs");
    #[cfg(feature = "tokio")]
    programs.compile_fail("tests/compile_fail/tokio/*.rs");
}
