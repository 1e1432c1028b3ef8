//! The soak: many clients at once on one server, each of which knows what it alone owns and holds every answer against that.
//!
//! Run by hand through `cargo xtask bench soak`. It ends with failure where an answer was wrong, a 5xx came, something acknowledged was
//! lost, or something deleted came back. Whether the memory stays flat is for the reader of the table to see.

mod client;
mod deletes;
mod lists;
mod model;
mod pulls;
mod pushes;
mod report;
mod wire;
mod world;

use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bulkhead_tests::config::Config;
use bulkhead_tests::server::Server;

use client::Soaker;
use report::Memory;
use world::World;

/// Clients at once.
const CLIENTS: usize = 32;

/// How long, and with which content.
pub struct Options {
    minutes: u64,
    seed: u64,
}

impl Options {
    /// Reads what stands behind `soak`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { minutes: 10, seed: u64::from(rand::random::<u32>()) };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--minutes" => options.minutes = crate::number(&argument, &mut arguments)?,
                "--seed" => options.seed = crate::number(&argument, &mut arguments)?,
                other => return Err(format!("the soak has no option `{other}`")),
            }
        }
        Ok(options)
    }
}

/// Runs it on a server of its own.
pub fn run(options: Options) -> ExitCode {
    let Options { minutes, seed } = options;
    println!("{CLIENTS} clients, {} repositories, {minutes} min; again with --seed {seed}", world::REPOSITORIES);
    let server = Server::start(&Config::open());
    let world = World::new(seed, CLIENTS);
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let (stop, stopped) = mpsc::channel();
    let (soakers, memory) = std::thread::scope(|scope| {
        let (world, pid) = (&world, server.pid());
        let watch = scope.spawn(move || Memory::watch(pid, world, &stopped));
        let threads: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut soaker = Soaker::new(number, seed, server.client(), world);
                scope.spawn(move || {
                    soaker.soak(end);
                    soaker
                })
            })
            .collect();
        let soakers: Vec<Soaker<'_>> =
            threads.into_iter().map(|thread| thread.join().expect("a client does not panic")).collect();
        drop(stop);
        (soakers, watch.join().expect("the watch does not panic"))
    });
    let mut tallies: Vec<report::Tally> = soakers.into_iter().map(Soaker::into_tally).collect();
    tallies.push(report::Tally::of_log(&server.log().text()));
    report::print(tallies, &memory, server.folder())
}
