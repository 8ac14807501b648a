//! Progress on a terminal: one bar per task. Elsewhere: one line when a task starts.

use std::io::{self, IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Volume;
use crate::progress::{Progress, Task};
use crate::units::Size;

pub struct Bars {
    volume: Volume,
    terminal: bool,
    all: MultiProgress,
}

impl Bars {
    /// Shows bars if stderr is a terminal, except in quiet mode.
    pub fn new(volume: Volume) -> Self {
        let terminal = io::stderr().is_terminal() && volume > Volume::Quiet;
        let all = MultiProgress::new();
        if !terminal {
            all.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            volume,
            terminal,
            all,
        }
    }

    /// Shows a line in verbose mode.
    pub fn detail(&self, message: &str) {
        if self.volume >= Volume::Verbose {
            self.line(message);
        }
    }

    fn line(&self, message: &str) {
        self.all.suspend(|| super::message(message));
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) -> Box<dyn Task> {
        if !self.terminal {
            if self.volume >= Volume::Normal {
                let size = total.map_or_else(String::new, |bytes| format!(" ({})", Size(bytes)));
                super::message(&format!("{what}{size}"));
            }
            return Box::new(Bar(ProgressBar::hidden()));
        }
        // The templates are constants; a mistake in one shows as a plain bar, not as an error.
        let template = match total {
            Some(_) => {
                "{msg:<22} {bar:25} {percent:>3}%  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left"
            }
            None => "{msg:<22} {spinner}  {binary_bytes}  {binary_bytes_per_sec}  {elapsed}",
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
        let bar = self.all.add(bar.with_style(style).with_message(what.to_owned()));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Box::new(Bar(bar))
    }

    fn say(&self, message: &str) {
        if self.volume >= Volume::Normal {
            self.line(message);
        }
    }

    fn warn(&self, message: &str) {
        self.line(&format!("warning: {message}"));
    }
}

struct Bar(ProgressBar);

impl Task for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    fn reset_to(&self, bytes: u64) {
        self.0.set_position(bytes);
        self.0.reset_eta();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
