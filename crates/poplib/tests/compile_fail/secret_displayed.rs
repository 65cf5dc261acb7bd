//! A secret has no way to a text by accident.

fn main() {
    println!("{}", poplib::Secret::from("secret"));
}
