//! URLs of servers and proxies.

use poplib::{Config, Proxy};

/// Whatever is accepted holds nothing that could end a command line, and names a host.
pub fn check(input: &[u8]) {
    let Ok(url) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(config) = Config::from_url(url) {
        let (host, port) = config.address();
        assert!(!host.is_empty() && port != 0, "{url:?}");
        for part in [Some(host), config.url_user()].into_iter().flatten() {
            assert!(!part.contains(['\r', '\n', '\0']), "{url:?}");
        }
    }
    // A proxy's own parts are private; that it neither panics nor hangs is what can be seen.
    let _: Result<Proxy, _> = Proxy::from_url(url);
}
