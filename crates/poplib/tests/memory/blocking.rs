//! Over `poplib::blocking`.

use poplib::blocking::{Client, Session};

macro_rules! go {
    ($call:expr) => {
        $call
    };
}

macro_rules! function {
    (fn $($rest:tt)*) => {
        fn $($rest)*
    };
}

macro_rules! bound {
    ($name:ident $body:block) => {
        #[test]
        fn $name() $body
    };
}

#[path = "bounds.rs"]
mod bounds;
