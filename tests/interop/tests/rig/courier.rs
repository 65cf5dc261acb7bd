//! That the rig's Courier is what the other tests take it for.

use interop::{Courier, RawClient};

#[test]
fn utf8_is_offered_for_messages_and_for_users() {
    let server = Courier::default().start().unwrap();
    let (mut client, _) = RawClient::connect(server.plain_port()).unwrap();
    let capabilities = String::from_utf8(client.body("CAPA").unwrap()).unwrap();
    assert!(capabilities.contains("UTF8 USER\r\n"), "{capabilities}");
    client.ok("UTF8").unwrap();
}
