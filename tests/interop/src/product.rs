use std::fmt;

use crate::{
    Courier, Cyrus, Dovecot, Error, Mailutils, Mpopd, Nginx, Perdition, Popa3d, Server, Twisted,
    User,
};

/// A server as one of many, for what is to be true with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are documented where they are set up")]
pub enum Product {
    Dovecot,
    Cyrus,
    Courier,
    Mailutils,
    Popa3d,
    Mpopd,
    Twisted,
    Nginx,
    Perdition,
}

impl Product {
    /// Starts it as it comes, for these users.
    ///
    /// # Errors
    ///
    /// Those of its own `start`.
    pub fn start(self, users: Vec<User>) -> Result<Server, Error> {
        macro_rules! start {
            ($product:ident) => {
                $product {
                    users,
                    ..$product::default()
                }
                .start()
            };
        }
        match self {
            Self::Dovecot => start!(Dovecot),
            Self::Cyrus => start!(Cyrus),
            Self::Courier => start!(Courier),
            Self::Mailutils => start!(Mailutils),
            Self::Popa3d => Popa3d { users }.start(),
            Self::Mpopd => Mpopd { users }.start(),
            Self::Twisted => start!(Twisted),
            Self::Nginx => start!(Nginx),
            Self::Perdition => start!(Perdition),
        }
    }

    /// Whether the server can be given this message at all.
    #[must_use]
    pub fn takes(self, message: &[u8]) -> bool {
        self != Self::Cyrus || Cyrus::takes(message)
    }
}

/// The name as it is written in text.
impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dovecot => "Dovecot",
            Self::Cyrus => "Cyrus",
            Self::Courier => "Courier",
            Self::Mailutils => "Mailutils",
            Self::Popa3d => "popa3d",
            Self::Mpopd => "mpopd",
            Self::Twisted => "Twisted",
            Self::Nginx => "nginx",
            Self::Perdition => "perdition",
        })
    }
}

/// Makes `mod $name` of a test for each product: `$test! { $name dovecot Dovecot }` and so on.
#[macro_export]
macro_rules! with_each_product {
    ($test:ident $name:ident) => {
        mod $name {
            $test! { $name dovecot Dovecot }
            $test! { $name cyrus Cyrus }
            $test! { $name courier Courier }
            $test! { $name mailutils Mailutils }
            $test! { $name popa3d Popa3d }
            $test! { $name mpopd Mpopd }
            $test! { $name twisted Twisted }
            $test! { $name nginx Nginx }
            $test! { $name perdition Perdition }
        }
    };
}
