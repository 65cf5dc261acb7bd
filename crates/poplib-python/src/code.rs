//! Response codes.

use poplib_proto::CodeKind;
use poplib_proto::wire::reply::Status;
use pyo3::prelude::*;

/// The response code of a status line, its kind, and whether trying later may help.
#[pyfunction]
pub(crate) fn response_code(line: &[u8]) -> Option<(String, &'static str, bool)> {
    let reply = Status::parse(line)?.to_reply();
    let code = reply.code()?;
    let kind = match code.kind() {
        CodeKind::LoginDelay => "LOGIN-DELAY",
        CodeKind::InUse => "IN-USE",
        CodeKind::SysTemp => "SYS/TEMP",
        CodeKind::SysPerm => "SYS/PERM",
        CodeKind::Auth => "AUTH",
        CodeKind::Utf8 => "UTF8",
        _ => "",
    };
    Some((code.as_str().to_owned(), kind, code.is_retryable()))
}
