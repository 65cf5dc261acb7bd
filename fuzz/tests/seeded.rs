//! A share of the campaign that is the same every time: so many mutations of the seeds.

use std::fs;
use std::path::Path;

/// Mutations of each target; `POPLIB_FUZZ_RUNS` asks for more.
const RUNS: u64 = 20_000;

#[test]
fn capabilities() {
    campaign("capabilities", poplib_fuzz::capabilities::check);
}

#[test]
fn configuration() {
    campaign("configuration", poplib_fuzz::configuration::check);
}

#[test]
fn importers() {
    campaign("importers", poplib_fuzz::importers::check);
}

#[test]
fn listings() {
    campaign("listings", poplib_fuzz::listings::check);
}

#[test]
fn responses() {
    campaign("responses", poplib_fuzz::responses::check);
}

#[test]
fn sandbox() {
    campaign("sandbox", poplib_fuzz::sandbox::check);
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
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tokens = fs::read_to_string(here.join(format!("dictionaries/{name}.txt"))).unwrap();
    let tokens: Vec<Vec<u8>> = tokens.lines().map(token).collect();
    let mut paths: Vec<_> = fs::read_dir(here.join("seeds").join(name))
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
            mutate(&mut input, &tokens, &mut random);
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

/// What a line of a dictionary stands for: `"…"`, in which `\xHH` is an octet.
fn token(line: &str) -> Vec<u8> {
    let line = line.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
    let mut pieces = line.split("\\x");
    let mut token = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (octet, rest) = piece.split_at(2);
        token.push(u8::from_str_radix(octet, 16).unwrap());
        token.extend_from_slice(rest.as_bytes());
    }
    token
}

fn mutate(input: &mut Vec<u8>, tokens: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let until = (at + random.below(8)).min(input.len());
    match random.below(5) {
        0 => drop(input.drain(at..until)),
        1 => drop(input.splice(at..at, tokens[random.below(tokens.len())].iter().copied())),
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
