//! Titles, descriptions, comments and names. What is too long for its place goes into comments, so nothing is lost.

use super::Settling;
use crate::domain::import::lost::shown;
use crate::domain::import::plan::{PlannedComment, PlannedTask};
use crate::domain::{task as rules, text};
use crate::unicode::{composed, cut};
use taskwire_protocol::limits;

/// What a thing without a name is called.
const NAMELESS: &str = "Untitled";
/// The most of one text that is kept: comments of that many characters together.
const KEPT: usize = 40 * limits::COMMENT;

impl Settling {
    /// The title, the description and the comments of a task.
    pub(super) fn texts_of(&mut self, task: &mut PlannedTask) {
        if self.strict {
            return self.strict_texts(task);
        }
        let mut rest: Vec<String> = Vec::new();
        let title = clean(&task.title).replace(['\n', '\r', '\t'], " ");
        let title = title.trim();
        task.title = fitting(title, limits::TITLE);
        if task.title != title {
            rest.push(title.to_owned());
            let what = format!("the title “{}”", shown(title));
            let why = format!("a title has at most {} characters", limits::TITLE);
            self.lost
                .add(task.line, what, format!("{why}; the whole text is a comment"));
        }
        if let Ok(title) = rules::title(&task.title) {
            task.title = title;
        } else {
            NAMELESS.clone_into(&mut task.title);
            let why = format!("nothing of its title can be seen; it is called {NAMELESS}");
            self.lost.add(task.line, "a task without a title", why);
        }
        let description = clean(&task.description);
        let description = description.trim();
        task.description = fitting(description, limits::DESCRIPTION);
        if task.description != description {
            let left = description.get(task.description.len()..).unwrap_or_default();
            rest.push(left.trim().to_owned());
            let what = format!("the description of “{}”", shown(&task.title));
            let why = format!("a description has at most {} characters", limits::DESCRIPTION);
            self.lost
                .add(task.line, what, format!("{why}; the rest is a comment"));
        }
        self.comments(task, rest);
    }

    /// The comments: first what had no room elsewhere, then those of the file.
    fn comments(&mut self, task: &mut PlannedTask, rest: Vec<String>) {
        let rest = rest.into_iter().map(|body| PlannedComment {
            line: task.line,
            body,
            created_at: task.created_at,
            ..PlannedComment::default()
        });
        let all: Vec<PlannedComment> = rest.chain(std::mem::take(&mut task.comments)).collect();
        for comment in all {
            let body = clean(&comment.body);
            let mut left = body.trim();
            if left.chars().nth(limits::COMMENT).is_some() && comment.author.is_some() {
                let what = format!("a comment on “{}”", shown(&task.title));
                let why = format!("a comment has at most {} characters", limits::COMMENT);
                self.lost
                    .add(comment.line, what, format!("{why}; it becomes several"));
            }
            if left.chars().nth(KEPT).is_some() {
                let what = format!("the end of a text of “{}”", shown(&task.title));
                self.lost.add(
                    comment.line,
                    what,
                    format!("a text has more than {KEPT} characters"),
                );
                left = cut(left, KEPT);
            }
            while !left.is_empty() {
                // a name of its author may come before it
                let part = cut(left, limits::COMMENT - limits::NAME - 4);
                left = left.get(part.len()..).unwrap_or_default().trim_start();
                if text::visible("body", part, 1, limits::COMMENT).is_ok() {
                    task.comments.push(PlannedComment {
                        body: part.trim().to_owned(),
                        ..comment.clone()
                    });
                }
            }
        }
    }

    fn strict_texts(&mut self, task: &mut PlannedTask) {
        let line = task.line;
        match rules::title(&task.title) {
            Ok(title) => task.title = title,
            Err(failure) => self.errors.refused(line, "title", &failure),
        }
        match rules::description(Some(std::mem::take(&mut task.description))) {
            Ok(description) => task.description = description.unwrap_or_default(),
            Err(failure) => self.errors.refused(line, "description", &failure),
        }
        for comment in &mut task.comments {
            match text::visible("body", &comment.body, 1, limits::COMMENT) {
                Ok(body) => comment.body = body,
                Err(failure) => self.errors.refused(comment.line.or(line), "comments", &failure),
            }
        }
    }

    /// A name of something else than a task.
    pub(super) fn name(
        &mut self,
        line: Option<u64>,
        (field, what): (&str, &str),
        given: &str,
        most: usize,
    ) -> String {
        let refused = match text::name("name", given, 1, most) {
            Ok(name) => return name,
            Err(failure) => failure,
        };
        if self.strict {
            self.errors.refused(line, field, &refused);
            return given.to_owned();
        }
        // what does not fit anyway costs nothing
        let end = given.char_indices().nth(8 * most).map(|(end, _)| end);
        let given = given.get(..end.unwrap_or(given.len())).unwrap_or(given);
        let plain = clean(given).replace(
            |c: char| text::name("name", &format!("a{c}b"), 1, 3).is_err(),
            " ",
        );
        let fitted = fitting(plain.trim(), most);
        let name = text::name("name", &fitted, 1, most).unwrap_or_else(|_| NAMELESS.to_owned());
        let why = format!("{}; it is called “{name}”", refused.message);
        self.lost
            .add(line, format!("the name of {what}: {}", shown(given)), why);
        name
    }
}

/// A text as it is stored, without what no text may have.
fn clean(text: &str) -> String {
    let text = composed(text);
    if text.contains('\0') {
        return text.replace('\0', "");
    }
    text.into_owned()
}

/// The beginning of a text that fits.
fn fitting(text: &str, most: usize) -> String {
    cut(text, most).trim_end().to_owned()
}
