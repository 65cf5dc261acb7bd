//! A proxy between the command and the server.

use crate::support::Rig;
use crate::support::tap::Tap;

#[test]
fn mail_comes_through_a_proxy_that_is_told_the_name() {
    let rig = Rig::five(&[]);
    let tap = Tap::leading_to(rig.sandbox.tls_addr());
    rig.run(&["--proxy", &tap.url]).expect(0);
    rig.assert_five();
    let port = rig.sandbox.tls_addr().port();
    let wanted = format!("CONNECT {}:{port} HTTP/1.1", rig.sandbox.host());
    assert_eq!(tap.records()[0].asked, wanted);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let rig = Rig::five(&[]);
    let tap = Tap::refusing("403 not you");
    let ran = rig.run(&["--proxy", &tap.url]).expect(69);
    assert!(
        ran.err.contains("proxy") && ran.err.contains("403"),
        "{}",
        ran.err
    );
    assert_eq!(rig.delivered().len(), 0);
}
