//! Answers the question. The other version of `program` in tests that exchange them.

fn main() {
    println!("42");
}
