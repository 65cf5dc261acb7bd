//! The behaviours over `poplib::tokio`.

pub(crate) use poplib::tokio::{Client, Session};

macro_rules! go {
    ($call:expr) => {
        $call.await
    };
}

macro_rules! function {
    (fn $($rest:tt)*) => {
        pub(super) async fn $($rest)*
    };
}

macro_rules! behaviour {
    ($name:ident $body:block) => {
        #[::tokio::test]
        async fn $name() $body
    };
}

#[path = "behaviours/mod.rs"]
mod behaviours;
