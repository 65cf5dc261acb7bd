//! Runs one case once, for a counter of instructions to watch; without an argument lists them.

fn main() {
    let wanted = std::env::args().nth(1);
    for case in micro::cases() {
        match &wanted {
            None => println!("{}", case.name),
            Some(name) if name == case.name => println!("{}", case.measured()),
            Some(_) => {}
        }
    }
}
