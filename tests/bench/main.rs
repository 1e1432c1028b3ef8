//! The benchmark: this server beside Debian's docker-registry, on the same disk, in the same run, in turns.
//!
//! Run by hand through `cargo xtask bench`. It prints medians and their ratio; above 1 this server is the faster one.
//! `cargo xtask bench soak` measures nothing: it looks for what breaks under load.

mod connection;
mod content;
mod fill;
mod listing;
mod logins;
mod rows;
mod servers;
mod soak;

use std::process::ExitCode;

use rows::{ROWS, Row, Setting};
use servers::Contestant;

const USAGE: &str = "\
Usage: cargo xtask bench [--rounds N] [--size MIB] [--seconds S] [ROW...]
       cargo xtask bench soak [--minutes M] [--seed N]";

struct Options {
    rounds: usize,
    setting: Setting,
    rows: Vec<&'static Row>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "soak").is_some() {
        return soak(arguments);
    }
    let options = match parse(arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            for row in ROWS {
                eprintln!("  {:<20} {}", row.name, row.title);
            }
            return ExitCode::from(2);
        }
    };
    let contestants = [Contestant::bulkhead(), Contestant::docker_registry()];
    println!("{} rounds, blobs of {} MiB, {} s for each rate\n", options.rounds, options.setting.mib, options.setting.seconds);
    println!("{:<48} {:>12} {:>16} {:>7}   {:>21}", "", contestants[0].name, contestants[1].name, "ratio", "CPU ms per unit");
    for row in &options.rows {
        measure(row, &options, &contestants);
    }
    ExitCode::SUCCESS
}

fn soak(arguments: impl Iterator<Item = String>) -> ExitCode {
    match soak::Options::parse(arguments) {
        Ok(options) => soak::run(options),
        Err(message) => {
            eprintln!("{message}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The number behind an option.
fn number(option: &str, arguments: &mut impl Iterator<Item = String>) -> Result<u64, String> {
    let value = arguments.next().and_then(|text| text.parse::<u64>().ok()).filter(|value| *value > 0);
    value.ok_or_else(|| format!("{option} needs a number above 0"))
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 5, setting: Setting { mib: 1024, seconds: 3 }, rows: Vec::new() };
    while let Some(argument) = arguments.next() {
        let mut number = || number(&argument, &mut arguments);
        match argument.as_str() {
            "--rounds" => options.rounds = usize::try_from(number()?).map_err(|error| error.to_string())?,
            "--size" => options.setting.mib = number()?,
            "--seconds" => options.setting.seconds = number()?,
            name => {
                options.rows.push(ROWS.iter().find(|row| row.name == name).ok_or_else(|| format!("there is no row `{name}`"))?)
            }
        }
    }
    if options.rows.is_empty() {
        options.rows = ROWS.iter().collect();
    }
    Ok(options)
}

/// Alternates between the contestants, so that what the machine does meanwhile meets both.
fn measure(row: &Row, options: &Options, contestants: &[Contestant; 2]) {
    let mut speeds = [Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..options.rounds {
        // Who goes first changes, too.
        for turn in 0..2 {
            let index = (round + turn) % 2;
            let contestant = &contestants[index];
            if !row.has(contestant.side()) {
                continue;
            }
            let figures = (row.run)(contestant, options.setting, contestant.next_seed());
            speeds[index].push(figures.units / figures.seconds);
            costs[index].push(figures.cpu_seconds * 1000.0 / figures.units);
        }
    }
    let [ours, theirs] = speeds.map(median);
    let [our_cost, their_cost] = costs.map(median);
    let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    println!(
        "{:<48} {} {:<4} {} {:<4} {}   {} {}",
        row.title,
        cell(ours, 7, digits(ours)),
        row.unit,
        cell(theirs, 11, digits(theirs)),
        row.unit,
        cell(ratio, 7, 2),
        cell(our_cost, 10, 3),
        cell(their_cost, 10, 3)
    );
}

/// A figure, or a dash where there is none.
fn cell(value: Option<f64>, width: usize, digits: usize) -> String {
    value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.digits$}"))
}

/// Behind the point: where there are few before it.
fn digits(value: Option<f64>) -> usize {
    usize::from(value.is_some_and(|value| value < 100.0))
}

/// None of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}
