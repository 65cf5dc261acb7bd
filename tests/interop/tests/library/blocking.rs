//! The behaviours over `poplib::blocking`.

pub(crate) use poplib::blocking::{Client, Session};

macro_rules! go {
    ($call:expr) => {
        $call
    };
}

macro_rules! function {
    (fn $($rest:tt)*) => {
        pub(super) fn $($rest)*
    };
}

macro_rules! behaviour {
    ($name:ident $body:block) => {
        #[test]
        fn $name() $body
    };
}

#[path = "behaviours/mod.rs"]
mod behaviours;
