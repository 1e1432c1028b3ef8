//! The benchmark: this server beside Debian's docker-registry, on the same disk, in the same run, in turns.
//!
//! Run by hand through `cargo xtask bench`. It prints medians and their ratio; above 1 this server is the faster one.

mod connection;
mod content;
mod rows;
mod servers;

use std::process::ExitCode;

use rows::{ROWS, Row, Setting};
use servers::Contestant;

const USAGE: &str = "Usage: cargo xtask bench [--rounds N] [--size MIB] [--seconds S] [ROW...]";

struct Options {
    rounds: usize,
    setting: Setting,
    rows: Vec<&'static Row>,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
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
    println!("{:<46} {:>14} {:>16} {:>7}   {:>21}", "", contestants[0].name, contestants[1].name, "ratio", "CPU ms per unit");
    for row in &options.rows {
        measure(row, &options, &contestants);
    }
    ExitCode::SUCCESS
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { rounds: 5, setting: Setting { mib: 1024, seconds: 3 }, rows: Vec::new() };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().and_then(|text| text.parse::<u64>().ok()).filter(|value| *value > 0);
            value.ok_or_else(|| format!("{argument} needs a number above 0"))
        };
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
            let figures = (row.run)(contestant, options.setting, contestant.next_seed());
            speeds[index].push(figures.units / figures.seconds);
            costs[index].push(figures.cpu_seconds * 1000.0 / figures.units);
        }
    }
    let [ours, theirs] = speeds.map(median);
    let [our_cost, their_cost] = costs.map(median);
    println!(
        "{:<46} {ours:>9.0} {:<4} {theirs:>11.0} {:<4} {:>7.2}   {our_cost:>10.3} {their_cost:>10.3}",
        row.title,
        row.unit,
        row.unit,
        ours / theirs
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}
