//! The card that a person has chosen on a board. It stays on its task, wherever the task goes.

use super::columns::Column;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use taskwire_client::protocol::TaskId;

/// The chosen column and card.
#[derive(Default)]
pub(crate) struct Cursor {
    pub(crate) column: usize,
    pub(crate) row: usize,
    task: Option<TaskId>,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wish {
    Quit,
    /// Choose the card so many columns and rows away.
    Go(isize, isize),
    /// Move the chosen task so many stages on.
    Move(isize),
    /// Complete the chosen task, or reopen it.
    Complete,
}

/// What a key means: the arrows, or the letters of vi.
pub(crate) fn wish(key: &KeyEvent) -> Option<Wish> {
    let moves = key.modifiers.contains(KeyModifiers::SHIFT);
    Some(match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Wish::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Wish::Quit,
        KeyCode::Char('H' | '<') => Wish::Move(-1),
        KeyCode::Char('L' | '>') => Wish::Move(1),
        KeyCode::Left if moves => Wish::Move(-1),
        KeyCode::Right if moves => Wish::Move(1),
        KeyCode::Left | KeyCode::Char('h') => Wish::Go(-1, 0),
        KeyCode::Right | KeyCode::Char('l') => Wish::Go(1, 0),
        KeyCode::Up | KeyCode::Char('k') => Wish::Go(0, -1),
        KeyCode::Down | KeyCode::Char('j') => Wish::Go(0, 1),
        KeyCode::Char(' ') => Wish::Complete,
        _ => return None,
    })
}

impl Cursor {
    /// Finds the chosen task again after a change. When it is gone, the card at its place is chosen.
    pub(crate) fn follow(&mut self, columns: &[Column<'_>]) {
        let place = self.task.and_then(|id| {
            let mut all = columns.iter().enumerate();
            all.find_map(|(column, tasks)| Some((column, tasks.tasks.iter().position(|task| task.id == id)?)))
        });
        match place {
            Some((column, row)) => (self.column, self.row) = (column, row),
            None => self.choose(columns, self.column, self.row),
        }
    }

    /// Chooses the card so many columns and rows away, at most the last one.
    pub(crate) fn go(&mut self, columns: &[Column<'_>], across: isize, down: isize) {
        let column = self.column.saturating_add_signed(across);
        self.choose(columns, column, self.row.saturating_add_signed(down));
    }

    fn choose(&mut self, columns: &[Column<'_>], column: usize, row: usize) {
        self.column = column.min(columns.len().saturating_sub(1));
        let tasks = columns.get(self.column).map_or(&[][..], |column| &column.tasks);
        self.row = row.min(tasks.len().saturating_sub(1));
        self.task = tasks.get(self.row).map(|task| task.id);
    }

    /// The chosen task.
    pub(crate) fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// The stage so many columns away from that of the chosen task.
    pub(crate) fn stage<'a>(&self, columns: &[Column<'a>], away: isize) -> Option<&'a str> {
        let column = self.column.checked_add_signed(away)?;
        columns.get(column).map(|column| column.stage)
    }
}
