//! Examples at the end of a command's help. A test reads each of them with the command line's own parser.

pub(super) const ROOT: &str = "\
First steps:
  tw signup you@example.com --name \"Your Name\"
  tw add \"Buy milk\" --due tomorrow --tag home
  tw ls
  tw done 89abcdef

`tw help COMMAND` tells more about a command, with examples.
Name a task by its id or the end of its id, as `tw ls` shows it.
TASKWIRE_TOKEN replaces the session that `tw login` keeps. NO_COLOR turns colours off.
Exit codes: 0 ok, 1 error, 2 usage, 3 not signed in or not allowed, 4 not found, 5 conflict, 6 network or \
server not available.";

pub(super) const LOGIN: &str = "\
Examples:
  tw login ada@example.com
  tw login --browser
  tw login --token < token.txt";

pub(super) const ADD: &str = "\
Examples:
  tw add \"Buy milk\" --due tomorrow --tag home
  tw add \"Pay rent\" --due friday --every month --project home -t bills
  tw add \"Call Ben\" --due \"monday 9am\" --remind \"monday 8:45\"
  tw add \"Print the posters\" -w \"Garden club\" --assign me --priority high
  tw add \"Buy paper\" --parent 89abcdef";

pub(super) const QUICK: &str = "\
Examples:
  tw quick 'pay rent friday 9am every month #home !high'
  tw quick 'print the posters tomorrow /\"Summer fair\" @me' -w \"Garden club\"
  tw quick 'watch \\Black \\Friday'

Write the line in single quotes: a shell reads # and ! itself.
When: as for `tw add --due`; a distance has `in` or + in front. How often: every, then as for `tw add --every`; the
task is due on the first such day, if the line says none.
#NAME is the tag of this name, else the project, else a new tag; /NAME is the project. A name with blanks has quotes.
!PRIORITY is none, low, medium, high or urgent. @NAME is a member, or me.
What is not known stays in the title, and so does a word behind a backslash. The board's quick add reads the same.";

pub(super) const LS: &str = "\
Examples:
  tw ls --tag home --sort due_at
  tw ls --mine
  tw ls --overdue
  tw ls -w \"Garden club\" --assignee ben --status all
  tw ls -w all --json";

pub(super) const SEARCH: &str = "\
Examples:
  tw search poster
  tw search invoice march -w \"Garden club\" --status all";

pub(super) const DONE: &str = "\
Examples:
  tw done 89abcdef 0123abcd
  tw done 89abcdef --undo";

pub(super) const MOVE: &str = "\
Examples:
  tw move 89abcdef doing
  tw move 89abcdef --before 0123abcd
  tw move 89abcdef --parent none";

pub(super) const STAGES: &str = "\
Examples:
  tw stages \"Garden club\"
  tw stages \"Garden club\" --set todo --set doing --set review:active:\"In review\" --set done";

pub(super) const BOARD: &str = "\
Examples:
  tw board \"Garden club\"
  tw board \"Garden club\" --project \"Summer fair\" --mine";

pub(super) const EDIT: &str = "\
Examples:
  tw edit 89abcdef --title \"Buy oat milk\" --due friday
  tw edit 89abcdef --due none --every none
  tw edit 89abcdef --assign ben --unassign me
  tw edit 89abcdef --blocked-by 0123abcd";

pub(super) const REMIND: &str = "\
Examples:
  tw remind 89abcdef tomorrow 9am
  tw remind 89abcdef +2h
  tw remind 89abcdef none";

pub(super) const COMMENT: &str = "\
Examples:
  tw comment 89abcdef \"Ready on Friday, @ben\"
  tw comment 89abcdef - < notes.txt
  tw comment 89abcdef --edit a4958684 \"Ready on Monday\"";

pub(super) const ATTACH: &str = "\
Examples:
  tw attach 89abcdef plan.pdf photo.jpg";

pub(super) const GET: &str = "\
Examples:
  tw get 89abcdef plan.pdf
  tw get 89abcdef -o ~/Downloads";

pub(super) const IMPORT: &str = "\
Examples:
  tw import board.json --dry-run
  tw import todoist.csv -w \"Garden club\" --project Inbox
  tw import tasks.json --format taskwarrior";

pub(super) const EXPORT: &str = "\
Examples:
  tw export
  tw export -w \"Garden club\" garden.csv
  tw export --format ics > tasks.ics";

pub(super) const WATCH: &str = "\
Examples:
  tw watch
  tw watch -w \"Garden club\" --json";

pub(super) const NOTIFICATIONS: &str = "\
Examples:
  tw notifications --unread
  tw notifications --read 89abcdef
  tw notifications --read-all";

pub(super) const WORKSPACE: &str = "\
Examples:
  tw workspace new \"Garden club\"
  tw workspace rename \"Garden club\" Gardeners
  tw workspace transfer Gardeners ben";

pub(super) const MEMBER: &str = "\
Examples:
  tw member add \"Garden club\" ben
  tw member role \"Garden club\" ben admin
  tw member remove \"Garden club\" ben";

pub(super) const PROJECT: &str = "\
Examples:
  tw projects -w \"Garden club\"
  tw project new \"Summer fair\" -w \"Garden club\"
  tw project edit \"Summer fair\" --name \"Spring fair\" -w \"Garden club\"
  tw project archive \"Spring fair\" -w \"Garden club\"";

pub(super) const TAG: &str = "\
Examples:
  tw tags
  tw tag rename bils bills
  tw tag merge bill bills";

pub(super) const INVITE: &str = "\
Examples:
  tw invite \"Garden club\" ben@example.com chloe@example.com
  tw invite \"Garden club\" --role viewer --max-uses 10";

pub(super) const TOKENS: &str = "\
Examples:
  tw tokens
  tw tokens new backup --read --expires \"in 90 days\"
  tw tokens revoke 89abcdef";

pub(super) const PROFILE: &str = "\
Examples:
  tw profile
  tw profile --name \"Ada Moreno\" --timezone Europe/Paris
  tw profile --own-acts off --mute TASK_UPDATED
  tw profile photo ada.jpg";

pub(super) const SOCKET: &str = "\
Example:
  tw socket < frames.txt";

pub(super) const CALL: &str = "\
Examples:
  tw call task.list '{\"tag\":\"home\"}'
  tw call protocol.describe";

pub(super) const COMPLETIONS: &str = "\
Examples:
  source <(tw completions bash)
  tw completions fish > ~/.config/fish/completions/tw.fish";

#[cfg(test)]
mod tests {
    use super::super::Args;
    use clap::{CommandFactory as _, Parser as _};

    /// The words of a line, as a shell separates them, up to a redirection.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for char in line.chars() {
            match (char, quote) {
                (char, Some(open)) if char == open => quote = None,
                ('"' | '\'', None) => {
                    quote = Some(char);
                    word.get_or_insert_default();
                }
                (' ', None) => words.extend(word.take()),
                (char, _) => word.get_or_insert_default().push(char),
            }
        }
        words.extend(word);
        words
            .into_iter()
            .take_while(|word| word != "<" && word != ">")
            .collect()
    }

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let lines = help.lines().filter_map(|line| line.strip_prefix("  tw "));
        let mut all: Vec<String> = lines.map(|line| format!("tw {line}")).collect();
        all.extend(command.get_subcommands().flat_map(examples));
        all
    }

    #[test]
    fn the_examples_of_the_help_can_be_typed() {
        let all = examples(&Args::command());
        assert!(all.len() > 60, "{}", all.len());
        for example in all {
            if let Err(error) = Args::try_parse_from(words(&example)) {
                panic!("{example}: {error}");
            }
        }
    }
}
