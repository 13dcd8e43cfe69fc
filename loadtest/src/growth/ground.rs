//! State that the steps of `growth` share: the options, the time that is left, the sockets that are allowed. Does not
//! know the steps.

use super::Growth;
use crate::progress;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::server_options::ServerOptions;
use crate::stop;
use crate::target::Server;
use crate::trouble::Trouble;
use std::time::Instant;

/// State that the steps of `growth` share.
pub(super) struct Ground<'a> {
    pub(super) options: &'a ServerOptions,
    pub(super) growth: &'a Growth,
    pub(super) end: Instant,
    /// The most sockets: as many as asked for, if the machine allows them.
    pub(super) sockets: usize,
    /// The reason, if there are fewer sockets than asked for.
    pub(super) fewer: Option<String>,
}

impl Ground<'_> {
    /// A title that also says if there are fewer sockets because of open files.
    pub(super) fn with(&self, what: String) -> String {
        match &self.fewer {
            Some(fewer) => format!("{what} ({fewer})"),
            None => what,
        }
    }

    /// Runs a scenario against a new server.
    pub(super) async fn once(&self, line: &str) -> Result<Report, Trouble> {
        let mut server = Server::at(self.options)?;
        Scenario::typed(line)?.run(&mut server, self.options).await
    }

    /// The next point, while there is time. When there is none, the report says how many points are left out.
    pub(super) fn next(&self, points: &mut std::vec::IntoIter<usize>, report: &mut Report) -> Option<usize> {
        let next = points.next()?;
        if Instant::now() < self.end && !stop::is_asked() {
            progress::say(&format!("{}: {next}", report.scenario));
            return Some(next);
        }
        let left = 1 + points.by_ref().count();
        let title = std::mem::take(&mut report.title);
        report.title = format!("{title} (from {next} on left out, {left} points: no time)");
        None
    }
}

/// Powers of ten from `first` on, then `last`.
pub(super) fn sizes(first: usize, last: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = std::iter::successors(Some(first), |size| size.checked_mul(10))
        .take_while(|size| *size < last)
        .collect();
    sizes.push(last);
    sizes
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_end_with_the_last() {
        assert_eq!(super::sizes(1000, 1_000_000), [1000, 10_000, 100_000, 1_000_000]);
        assert_eq!(super::sizes(100, 250), [100, 250]);
        assert_eq!(super::sizes(100, 50), [50]);
    }
}
