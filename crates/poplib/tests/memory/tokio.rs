//! Over `poplib::tokio`.

use poplib::tokio::{Client, Session};

macro_rules! go {
    ($call:expr) => {
        $call.await
    };
}

macro_rules! function {
    (fn $($rest:tt)*) => {
        async fn $($rest)*
    };
}

macro_rules! bound {
    ($name:ident $body:block) => {
        #[::tokio::test]
        async fn $name() $body
    };
}

#[path = "bounds.rs"]
mod bounds;
