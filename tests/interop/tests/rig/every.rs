//! What is true of each server.

use interop::{Mailbox, Product, RawClient, User, with_each_product};

use crate::support::python;

macro_rules! product {
    ($body:ident $name:ident $product:ident) => {
        #[test]
        fn $name() {
            super::$body(interop::Product::$product);
        }
    };
}

with_each_product! { product the_mail_is_there_by_every_way_in }

fn the_mail_is_there_by_every_way_in(product: Product) {
    let users = ["alice", "bob"].map(|name| User::new(name, "secret").with(&Mailbox::ordinary(2)));
    let server = product.start(users.into()).unwrap();
    let mut client = RawClient::login(server.plain_port(), "bob", "secret").unwrap();
    assert_eq!(client.count().unwrap(), 2, "{}", server.log());
    client.quit().unwrap();
    let (mut client, _) = RawClient::connect(server.plain_port()).unwrap();
    let capabilities = client.body("CAPA").unwrap_or_default();
    let stls = memchr::memmem::find(&capabilities, b"STLS\r\n").is_some();
    for (there, connect) in [(server.has_tls(), "implicit_tls()"), (stls, "stls()")] {
        if there {
            let script = format!(
                "
client = {connect}
client.user('alice')
client.pass_('secret')
print(client.stat()[0])
client.quit()
"
            );
            assert_eq!(python(&server, &script).trim(), "2", "{connect}");
        }
    }
}
