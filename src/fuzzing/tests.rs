//! Runs every target on its seeds and on random mutations of them. `FUZZ_SECONDS` is the time for each target.
//!
//! With `FUZZ_SEEDS`, the seeds are written to that folder, one subfolder per target, for `cargo fuzz`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{TARGETS, seeds};

/// Longer than any input may take, on the slowest machine.
const HANGS: Duration = Duration::from_secs(20);

/// Runs a target. If it fails, its input is kept.
fn run(name: &str, data: &[u8]) {
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| super::run(name, data)));
    let hung = started.elapsed() > HANGS;
    if result.is_err() || hung {
        let path = std::env::temp_dir().join(format!("mkimage-fuzz-{name}"));
        fs::write(&path, data).unwrap();
        eprintln!("{name} failed; its input is {}", path.display());
    }
    assert!(!hung, "{name} took {:?}", started.elapsed());
    result.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Changes a few bytes, in the ways that parsers find hardest.
fn mutate(random: &mut fastrand::Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = random.choice(seeds).unwrap().clone();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=data.len());
        let to = random.usize(at..=data.len().min(at + 64));
        let number = *random
            .choice(&[0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, u32::MAX])
            .unwrap();
        match random.u8(..8) {
            0 => drop(data.drain(at..to)),
            1 => {
                let copy = data[at..to].to_vec();
                let place = random.usize(..=data.len());
                data.splice(place..place, copy);
            }
            2 => {
                let other = random.choice(seeds).unwrap();
                let start = random.usize(..=other.len());
                data.splice(at.., other[start..].iter().copied());
            }
            3 => data.truncate(at),
            4 => drop(
                data.splice(
                    at..to,
                    random
                        .choice([&b"-"[..], b"\"", b"\n", b"9999999999", b"\xff\xfe"])
                        .unwrap()
                        .iter()
                        .copied(),
                ),
            ),
            5 => data[at..]
                .iter_mut()
                .zip(number.to_le_bytes())
                .take(random.usize(1..=4))
                .for_each(|(to, from)| *to = from),
            _ => {
                if let Some(byte) = data.get_mut(at) {
                    *byte = if random.bool() {
                        random.u8(..)
                    } else {
                        *byte ^ 1 << random.u8(..8)
                    };
                }
            }
        }
    }
    data
}

/// Tries every target whose number leaves `rest` when divided by `parts`, so that the targets share the cores.
fn try_targets(rest: usize, parts: usize) {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(0.5, |text| text.parse().unwrap());
    for target in TARGETS.iter().skip(rest).step_by(parts) {
        let seeds = seeds::of(target.name);
        for seed in &seeds {
            run(target.name, seed);
        }
        if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
            let folder = Path::new(&folder).join(target.name);
            fs::create_dir_all(&folder).unwrap();
            for (number, seed) in seeds.iter().enumerate() {
                fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
            }
        }
        // The same inputs in every run, unless more time is given than the usual one.
        let mut random = fastrand::Rng::new();
        if std::env::var_os("FUZZ_SECONDS").is_none() {
            random.seed(1);
        }
        let (started, mut inputs) = (Instant::now(), 0_u64);
        while started.elapsed().as_secs_f64() < seconds {
            run(target.name, &mutate(&mut random, &seeds));
            inputs += 1;
        }
        println!("{}: {inputs} inputs", target.name);
    }
}

#[test]
fn no_parser_panics_on_damaged_input_first_half() {
    try_targets(0, 2);
}

#[test]
fn no_parser_panics_on_damaged_input_second_half() {
    try_targets(1, 2);
}

#[test]
fn every_target_is_built_by_cargo_fuzz() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for target in TARGETS {
        let name = target.name;
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in fuzz/Cargo.toml"
        );
        let path = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        assert!(
            fs::read_to_string(path)
                .unwrap()
                .contains(&format!("run(\"{name}\"")),
            "{name}"
        );
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
