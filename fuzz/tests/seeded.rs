//! A share of the campaign that is the same every time: so many mutations of the seeds.

use std::fs;
use std::path::Path;

/// Mutations of each target; `POPLIB_FUZZ_RUNS` asks for more.
const RUNS: u64 = 20_000;

const TOKENS: [&[u8]; 10] = [
    b"+OK",
    b"-ERR",
    b"\r\n",
    b"\n",
    b"\r\n.\r\n",
    b"..",
    b"\r",
    b" ",
    b"99999999999999999999",
    b"\0\xff",
];

#[test]
fn responses() {
    campaign("responses", poplib_fuzz::responses::check);
}

#[test]
fn scram() {
    campaign("scram", poplib_fuzz::scram::check);
}

#[test]
fn urls() {
    campaign("urls", poplib_fuzz::urls::check);
}

fn campaign(name: &str, check: fn(&[u8])) {
    let runs = std::env::var("POPLIB_FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut corpus: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    corpus.iter().for_each(|seed| check(seed));
    let mut random = Random(0x5eed);
    for _ in 0..runs {
        let from = random.below(corpus.len());
        let mut input = corpus[from].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut input, &mut random);
        }
        check(&input);
        // What has been mutated is mutated further now and then, so that it leads away.
        if random.below(50) == 0 && input.len() < 512 {
            let at = paths.len() + random.below(64);
            match corpus.get_mut(at) {
                Some(place) => *place = input,
                None => corpus.push(input),
            }
        }
    }
}

fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let until = (at + random.below(8)).min(input.len());
    match random.below(5) {
        0 => drop(input.drain(at..until)),
        1 => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        2 => {
            if let Some(octet) = input.get_mut(at) {
                *octet = random.below(256) as u8;
            }
        }
        3 => input.truncate(at),
        _ => {
            let copied = input[at..until].to_vec();
            let to = random.below(input.len() + 1);
            drop(input.splice(to..to, copied));
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}
