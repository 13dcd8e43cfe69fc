//! Draws a board on the terminal.

use super::{
    columns::{Column, facts},
    cursor::Cursor,
};
use crate::terminal::plain;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, List, ListItem, ListState, Paragraph},
};
use taskwire_client::{protocol::task::Task, replica::WorkspaceReplica};

const KEYS: &str = "arrows choose   < > move   space completes   q leaves";

/// Draws the columns, and below them one line: what goes on, and the keys.
pub(crate) fn draw(
    frame: &mut Frame<'_>,
    workspace: &WorkspaceReplica,
    columns: &[Column<'_>],
    cursor: &Cursor,
    status: &str,
) {
    let [board, line] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
    let parts = vec![Constraint::Fill(1); columns.len()];
    for (number, (area, column)) in Layout::horizontal(parts)
        .split(board)
        .iter()
        .zip(columns)
        .enumerate()
    {
        let chosen = (number == cursor.column).then_some(cursor.row);
        draw_column(frame, *area, workspace, column, chosen);
    }
    let said = Line::from(vec![
        Span::raw(plain(status)),
        Span::raw("   "),
        Span::styled(KEYS, Style::new().add_modifier(Modifier::DIM)),
    ]);
    frame.render_widget(Paragraph::new(said), line);
}

fn draw_column(
    frame: &mut Frame<'_>,
    area: Rect,
    workspace: &WorkspaceReplica,
    column: &Column<'_>,
    chosen: Option<usize>,
) {
    let title = format!(" {} {} ", column.name, column.tasks.len());
    let block = Block::bordered().title(title).border_style(match chosen {
        Some(_) => Style::new().fg(Color::Cyan),
        None => Style::new().add_modifier(Modifier::DIM),
    });
    let cards = column.tasks.iter().map(|task| card(workspace, task));
    let list = List::new(cards)
        .block(block)
        .highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = ListState::default().with_selected(chosen.filter(|_| !column.tasks.is_empty()));
    frame.render_stateful_widget(list, area, &mut state);
}

/// A title, and below it what else is known.
fn card(workspace: &WorkspaceReplica, task: &Task) -> ListItem<'static> {
    let facts = facts(workspace, task);
    let mut title = vec![Span::raw(plain(&task.title))];
    if facts.is_urgent {
        title.insert(0, Span::styled("! ", Style::new().fg(Color::Red)));
    }
    let dim = Style::new().add_modifier(Modifier::DIM);
    let mut below = Vec::new();
    if facts.is_blocked {
        below.push(Span::styled("blocked ", Style::new().fg(Color::Yellow)));
    }
    if let Some((due, is_over)) = facts.due {
        let style = if is_over { Style::new().fg(Color::Red) } else { dim };
        below.push(Span::styled(format!("{due} "), style));
    }
    below.extend(
        facts
            .assignees
            .iter()
            .map(|name| Span::styled(format!("@{name} "), dim)),
    );
    let tags = facts.tags.iter();
    below.extend(tags.map(|tag| Span::styled(format!("#{tag} "), Style::new().fg(Color::Cyan))));
    let mut lines = vec![Line::from(title)];
    if !below.is_empty() {
        lines.push(Line::from(below));
    }
    ListItem::new(lines)
}
