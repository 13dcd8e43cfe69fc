//! Every format with a file as its program writes it, and files that nobody should write.

use super::plan::{MOST_NAMES, MOST_ROWS, Plan, PlannedTask};
use super::zip::tests::archive;
use super::*;
use proptest::prelude::*;
use taskwire_protocol::limits;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Priority;

const NOW: Timestamp = Timestamp(1_893_456_000_000); // 2030-01-01
const MOST: usize = 1 << 20;

const TODOIST: &[u8] = include_bytes!("fixtures/todoist.csv");
const TRELLO: &[u8] = include_bytes!("fixtures/trello.json");
const VIKUNJA: &[u8] = include_bytes!("fixtures/vikunja.json");
const TASKWARRIOR: &[u8] = include_bytes!("fixtures/taskwarrior.json");

fn given(bytes: &[u8]) -> Given<'_> {
    Given {
        bytes,
        now: NOW,
        project: None,
        most: MOST,
    }
}

fn plan(format: ImportFormat, bytes: &[u8]) -> Plan {
    match read(format, &given(bytes)) {
        Ok(plan) => plan,
        Err(failure) => panic!("{format:?}: {}", failure.message),
    }
}

fn refused(format: ImportFormat, bytes: &[u8]) -> String {
    let failure = read(format, &given(bytes)).expect_err("refused");
    assert_eq!(failure.code, taskwire_protocol::ErrorCode::ValidationError);
    failure.message
}

fn titled<'p>(plan: &'p Plan, title: &str) -> &'p PlannedTask {
    let found = plan.tasks.iter().find(|task| task.title == title);
    found.unwrap_or_else(|| panic!("no task {title}"))
}

/// What is lost, as `line: what` texts.
fn lost(plan: &Plan) -> Vec<String> {
    let items = plan.lost.clone().into_items().into_iter();
    let line = |line: Option<u64>| line.map_or("-".to_owned(), |line| line.to_string());
    items
        .map(|item| format!("{}: {}: {}", line(item.line), item.what, item.why))
        .collect()
}

fn loses(plan: &Plan, begin: &str) {
    let all = lost(plan);
    assert!(
        all.iter().any(|item| item.starts_with(begin)),
        "{begin} is not in {all:#?}"
    );
}

fn parent_of<'p>(plan: &'p Plan, title: &str) -> Option<&'p str> {
    titled(plan, title)
        .parent
        .map(|parent| &*plan.tasks[parent].title)
}

#[test]
fn a_project_of_todoist() {
    let plan = plan(ImportFormat::Todoist, TODOIST);
    assert_eq!(plan.tasks.len(), 5);
    let rent = titled(&plan, "Pay the rent");
    assert_eq!(
        (rent.priority, rent.tags.as_slice()),
        (Priority::Urgent, &["bills".to_owned()][..])
    );
    assert_eq!(rent.recurrence, "FREQ=MONTHLY");
    assert_eq!(
        rent.due_at.map(|at| at.to_string()).as_deref(),
        Some("2030-01-01T08:00:00.000Z")
    );
    assert_eq!(rent.people[0].name, "Ada");
    assert_eq!(rent.comments[0].body, "Account \"7\" since May");
    assert_eq!(rent.comments[0].author.as_ref().map(|by| &*by.name), Some("Bea"));
    assert!(titled(&plan, "Find the contract").all_day);
    assert_eq!(
        titled(&plan, "Scan it")
            .due_at
            .map(|at| at.to_string())
            .as_deref(),
        Some("2030-02-03T00:00:00.000Z")
    );
    assert_eq!(parent_of(&plan, "Scan it"), Some("Find the contract"));
    // the fourth level has no place
    assert_eq!(parent_of(&plan, "Name the scan"), Some("Find the contract"));
    assert_eq!(titled(&plan, "Sow tomatoes").tags, ["garden", "spring"]);
    loses(&plan, "8: the place of “Name the scan”: subtasks nest two levels");
    loses(&plan, "6: the duration of “Find the contract”: 30");
    loses(&plan, "11: the date of “Sow tomatoes”: next spring");
    loses(&plan, "12: a file");
    let zip = archive(&[
        ("Home [220325187].csv", TODOIST),
        ("Inbox.csv", TODOIST),
        ("photo.png", b"x"),
    ]);
    let plan = self::plan(ImportFormat::Todoist, &zip);
    let projects: Vec<&str> = plan.projects.iter().map(|project| &*project.name).collect();
    assert_eq!((projects, plan.tasks.len()), (vec!["Home", "Inbox"], 10));
    loses(&plan, "-: photo.png");
    // two projects with one name
    let zip = archive(&[("Home [1].csv", TODOIST), ("Home [2].csv", TODOIST)]);
    let two = self::plan(ImportFormat::Todoist, &zip);
    let projects: Vec<&str> = two.projects.iter().map(|project| &*project.name).collect();
    assert_eq!((projects, two.tasks.len()), (vec!["Home", "Home (2)"], 10));
    loses(
        &two,
        "-: the name of the project Home: another one of the file has it",
    );
}

#[test]
fn one_file_of_todoist_does_not_say_its_project() {
    loses(
        &plan(ImportFormat::Todoist, TODOIST),
        "-: the name of the project",
    );
    let named = Given {
        project: Some("Home"),
        ..given(TODOIST)
    };
    let plan = read(ImportFormat::Todoist, &named).expect("a plan");
    assert_eq!(plan.projects[0].name, "Home");
    assert!(
        !lost(&plan)
            .iter()
            .any(|item| item.contains("the name of the project"))
    );
}

#[test]
fn a_board_of_trello() {
    let plan = plan(ImportFormat::Trello, TRELLO);
    let stages: Vec<(&str, StageKind)> = plan
        .stages
        .iter()
        .map(|stage| (&*stage.name, stage.kind))
        .collect();
    let wanted = [
        ("Ideas", StageKind::Open),
        ("In progress", StageKind::Active),
        ("Done", StageKind::Done),
    ];
    assert_eq!(stages, wanted);
    assert_eq!(plan.projects[0].name, "Launch");
    let titles: Vec<&str> = plan.tasks.iter().map(|task| &*task.title).collect();
    assert_eq!(titles, ["Invitations", "Poster", "Draw", "Print", "Old idea"]);
    let poster = titled(&plan, "Poster");
    assert_eq!(
        poster.remind_at.map(|at| at.to_string()).as_deref(),
        Some("2030-05-01T11:00:00.000Z")
    );
    assert_eq!(
        poster.created_at.map(|at| at.to_string()).as_deref(),
        Some("2020-08-17T03:56:48.000Z")
    );
    let comments: Vec<&str> = poster.comments.iter().map(|comment| &*comment.body).collect();
    assert_eq!(comments, ["First", "Second"]);
    assert_eq!(poster.tags, ["design"]);
    assert_eq!(parent_of(&plan, "Draw"), Some("Poster"));
    assert!(titled(&plan, "Draw").completed && !titled(&plan, "Print").completed);
    assert!(titled(&plan, "Invitations").completed && titled(&plan, "Old idea").completed);
    assert_eq!(titled(&plan, "Old idea").tags, ["red"]);
    loses(&plan, "17: attachments of “Poster”");
    loses(&plan, "17: custom fields of “Poster”");
    loses(&plan, "17: a member of “Poster”");
    loses(&plan, "23: the start date of “Invitations”");
    loses(&plan, "25: that “Old idea” is archived");
    loses(&plan, "-: the description of the board");
}

#[test]
fn a_board_of_trello_keeps_what_its_labels_check_items_and_lists_say() {
    let board = br#"{"name": "Work", "lists": [
        {"id": "l1", "name": "Not done yet", "pos": 1}, {"id": "l2", "name": "Review closed deals", "pos": 2, "color": "purple_light", "softLimit": 4}],
      "labels": [{"id": "b1", "name": "bug", "color": "red_dark"}, {"id": "b2", "name": "later", "color": null},
        {"id": "b3", "name": "", "color": "sky"}, {"id": "b4", "name": "", "color": "lime"},
        {"id": "b5", "name": "bug", "color": "green"}],
      "members": [{"id": "m1", "username": "adaquill77", "fullName": "Ada Quill"}, {"id": "m2", "fullName": "Ben"}],
      "cards": [
        {"id": "c1", "name": "Release", "idList": "l1", "idMembers": ["m1"], "isTemplate": true,
         "labels": [{"id": "b3", "name": "", "color": "sky"}], "cover": {"idAttachment": null, "color": "blue", "size": "normal"}},
        {"id": "c2", "name": "Plain", "idList": "l2", "cover": {"idAttachment": null, "color": null, "size": "normal"},
         "isTemplate": false, "pluginData": []}, {"id": "c3", "name": "https://trello.com/c/abc", "idList": "l2", "cardRole": "mirror", "pluginData": [{"value": "{}"}]}],
      "checklists": [{"id": "k1", "idCard": "c1", "name": "Before launch", "checkItems": [
          {"id": "i1", "name": "Notes", "state": "incomplete", "pos": 1, "idMember": "m2",
           "due": "2030-05-01T12:00:00.000Z", "dueReminder": 1440},
          {"id": "i2", "name": "Tag", "state": "incomplete", "pos": 2, "idMember": "m9", "due": null, "dueReminder": null}]},
        {"id": "k2", "idCard": "c2", "name": "Checklist", "checkItems": [{"name": "Item", "state": "complete"}]}]}"#;
    let plan = plan(ImportFormat::Trello, board);
    assert!(plan.stages.iter().all(|stage| stage.kind == StageKind::Open));
    assert_eq!(plan.stages[1].color.as_deref(), Some("#c377e0"));
    loses(&plan, "2: the limit of the list Review closed deals");
    loses(
        &plan,
        "11: that “https://trello.com/c/abc” is a card of the kind mirror",
    );
    loses(&plan, "11: what power-ups keep of “https://trello.com/c/abc”");
    let tags: Vec<(&str, Option<&str>)> = plan
        .tags
        .iter()
        .map(|tag| (&*tag.name, tag.color.as_deref()))
        .collect();
    assert_eq!(
        tags,
        [
            ("bug", Some("#eb5a46")),
            ("later", None),
            ("sky", Some("#00c2e0"))
        ]
    );
    let notes = titled(&plan, "Notes");
    assert_eq!(notes.people[0].name, "Ben");
    assert_eq!(
        notes.remind_at.map(|at| at.to_string()).as_deref(),
        Some("2030-04-30T12:00:00.000Z")
    );
    let ada = &titled(&plan, "Release").people[0];
    assert_eq!((&*ada.name, &*ada.other), ("adaquill77", "Ada Quill"));
    for begin in [
        "5: the color of another label bug",
        "8: the cover of “Release”",
        "8: that “Release” is a template",
        "12: the checklist Before launch",
        "15: a member of “Tag”",
    ] {
        loses(&plan, begin);
    }
    assert_eq!(lost(&plan).len(), 8, "{:#?}", lost(&plan));
}

#[test]
fn what_projects_and_labels_of_vikunja_are_beside_their_names_is_told() {
    let export = br#"[{"id": 1, "title": "Home", "identifier": "HOME", "is_favorite": true, "background_information": {"type": "upload"},
      "tasks": [{"id": 1, "title": "Paint", "labels": [{"id": 1, "title": "wall", "description": "<p>White</p>"}]}]}]"#;
    let plan = plan(ImportFormat::Vikunja, export);
    for begin in [
        "1: the identifier of Home",
        "1: the background of Home",
        "1: that Home is a favourite",
        "1: the description of the label wall",
    ] {
        loses(&plan, begin);
    }
    assert_eq!(lost(&plan).len(), 4, "{:#?}", lost(&plan));
}

#[test]
fn projects_of_vikunja_with_one_title_are_two_and_its_buckets_and_positions_count() {
    let export = br#"[
      {"id": 1, "title": "Home", "tasks": [], "views": [{"id": 3, "view_kind": "list"}, {"id": 4, "view_kind": "kanban"}]},
      {"id": 2, "title": "Work"},
      {"id": 3, "title": "Someday", "parent_project_id": 1, "tasks": [{"id": 1, "title": "Paint"}]},
      {"id": 4, "title": "someday", "parent_project_id": 2, "views": [{"id": 7, "view_kind": "list"}, {"id": 8, "view_kind": "kanban"}],
       "buckets": [{"id": 1, "title": "In progress"}, {"id": 2, "title": "Done"}],
       "positions": [{"task_id": 3, "project_view_id": 7, "position": 100}, {"task_id": 3, "project_view_id": 8, "position": 300},
         {"task_id": 2, "project_view_id": 8, "position": 50}, {"task_id": 2, "project_view_id": 7, "position": 200}],
       "tasks": [
         {"id": 4, "title": "New", "position": 0},
         {"id": 2, "title": "Second", "priority": 5, "bucket_id": 1, "assignees": [{"username": "adaquill77", "name": "Ada Quill"}]},
         {"id": 3, "title": "First", "bucket_id": 2}]},
      {"id": 5, "title": "Old", "child_projects": [{"id": 6, "title": "Someday", "tasks": [
         {"id": 6, "title": "Below", "position": 20}, {"id": 7, "title": "Above", "position": 10}]}]}]"#;
    let plan = plan(ImportFormat::Vikunja, export);
    let names: Vec<&str> = plan.projects.iter().map(|project| &*project.name).collect();
    assert_eq!(
        names,
        [
            "Home",
            "Work",
            "Someday",
            "Work / someday",
            "Old",
            "Old / Someday"
        ]
    );
    let titles: Vec<&str> = plan.tasks.iter().map(|task| &*task.title).collect();
    assert_eq!(titles, ["Paint", "First", "Second", "New", "Above", "Below"]);
    assert_eq!((plan.tasks[0].project, plan.tasks[1].project), (Some(2), Some(3)));
    // the file says which tasks are done, and this bucket is not the one for them
    let kinds: Vec<StageKind> = plan.stages.iter().map(|stage| stage.kind).collect();
    assert_eq!(kinds, [StageKind::Active, StageKind::Open]);
    assert_eq!(plan.tasks[2].people[0].other, "Ada Quill");
    loses(&plan, "5: the name of the project someday");
    loses(
        &plan,
        "5: that “Second” is to be done now: no priority is above urgent",
    );
}

#[test]
fn an_export_of_vikunja() {
    let alone = plan(ImportFormat::Vikunja, VIKUNJA);
    let zip = archive(&[
        ("VERSION", b"1"),
        ("data.json", VIKUNJA),
        ("files/1", b"x"),
        ("filters.json", b"[]"),
    ]);
    let plan = plan(ImportFormat::Vikunja, &zip);
    assert_eq!(plan.tasks.len(), alone.tasks.len());
    let trip = titled(&plan, "Plan the trip");
    assert_eq!(trip.description, "With Bea\n- tickets");
    assert_eq!(
        (trip.priority, &*trip.recurrence),
        (Priority::Urgent, "FREQ=WEEKLY")
    );
    assert_eq!(
        trip.remind_at.map(|at| at.to_string()).as_deref(),
        Some("2030-02-27T10:00:00.000Z")
    );
    assert_eq!(trip.stage.map(|stage| &*plan.stages[stage].name), Some("To-Do"));
    assert_eq!(trip.blocked_by.len(), 1);
    assert_eq!(plan.tasks[trip.blocked_by[0]].title, "Save money");
    assert_eq!(trip.comments[0].body, "Soon?");
    assert_eq!(parent_of(&plan, "Book"), Some("Plan the trip"));
    assert!(titled(&plan, "Book").due_at.is_none() && titled(&plan, "Book").completed);
    assert_eq!(plan.stages[1].kind, StageKind::Done);
    assert_eq!(plan.tags[0].color.as_deref(), Some("#00ff00"));
    assert!(plan.projects[1].is_archived);
    loses(&plan, "2: 1 reminders of “Plan the trip”");
    loses(&plan, "2: percent_done of “Plan the trip”");
    loses(&plan, "2: the relation copiedto of “Plan the trip”");
    loses(&plan, "-: files/1");
    loses(&plan, "-: saved filters");
}

#[test]
fn an_export_of_taskwarrior() {
    let plan = plan(ImportFormat::Taskwarrior, TASKWARRIOR);
    assert_eq!((plan.tasks.len(), plan.skipped), (4, 2));
    let water = titled(&plan, "Water the plants");
    assert_eq!(
        (water.priority, &*water.recurrence),
        (Priority::High, "FREQ=WEEKLY")
    );
    assert_eq!(
        water.project.map(|project| &*plan.projects[project].name),
        Some("home.garden")
    );
    assert_eq!(
        water.comments[0].created_at.map(|at| at.to_string()).as_deref(),
        Some("2029-01-02T08:00:00.000Z")
    );
    assert_eq!(
        plan.tasks[titled(&plan, "Buy a can").blocked_by[0]].title,
        "Water the plants"
    );
    assert_eq!(
        plan.tasks[titled(&plan, "Paint").blocked_by[0]].title,
        "Buy a can"
    );
    assert!(titled(&plan, "Paint").is_begun && titled(&plan, "Old thing").completed);
    loses(&plan, "4: wait of “Buy a can”");
    loses(&plan, "4: scheduled of “Buy a can”");
    loses(&plan, "4: estimate of “Buy a can”: \"2h\"");
    loses(&plan, "4: that 00000000-0000-4000-8000-0000000000ff blocks");
    loses(&plan, "7: the task “Mistake”");
    // the same, an object on each line
    let text = String::from_utf8_lossy(TASKWARRIOR);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!(
        self::plan(ImportFormat::Taskwarrior, lines.join("\n").as_bytes())
            .tasks
            .len(),
        4
    );
}

#[test]
fn a_table() {
    let text = "\u{feff}\"Title\",\"id\",\"parent_id\",\"due_at\",\"tags\",\"stage\",\"priority\",\"colour\"\r\n\
                \"'=Buy \"\"milk\"\"\",\"a\",\"\",\"2030-01-31\",\"home,\"\"a, b\"\"\",\"todo\",\"high\",\"red\"\r\n\
                \"Oat\",\"b\",\"a\",\"2030-01-31T10:00:00Z\",\"\",\"\",\"\",\"\"\r\n";
    let plan = plan(ImportFormat::Csv, text.as_bytes());
    let milk = titled(&plan, "=Buy \"milk\"");
    assert_eq!((milk.priority, milk.all_day), (Priority::High, true));
    assert_eq!(milk.tags, ["home", "a, b"]);
    assert_eq!(parent_of(&plan, "Oat"), Some("=Buy \"milk\""));
    loses(&plan, "1: the column colour");
    let wrong = "title,due_at,priority\nok,,\n,31/01/2030,highest\n";
    let failure = read(ImportFormat::Csv, &given(wrong.as_bytes())).expect_err("refused");
    assert!(
        failure
            .message
            .starts_with("line 3, column 2: due_at must be like"),
        "{}",
        failure.message
    );
    let errors = failure.context.expect("errors")["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(2), "{errors}");
    assert!(refused(ImportFormat::Csv, b"name\nx\n").contains("title"));
}

#[test]
fn a_file_of_ours() {
    let task = |reference: u32, rest: &str| {
        format!(
            "{{\"ref\":\"01990000-0000-7000-8000-0000{reference:08x}\",\"title\":\"t{reference}\",\"stage\":\"todo\",\"position\":\"a1\",\
             \"created_by\":\"01990000-0000-7000-8000-000000000001\",\"created_at\":\"2029-01-01T00:00:00Z\",\
             \"updated_at\":\"2029-01-02T00:00:00Z\"{rest}}}"
        )
    };
    let file = |tasks: &str| {
        format!(
            "{{\"format\":\"taskwire\",\"version\":1,\n\"workspace\":{{\"name\":\"A\",\"stages\":[\
             {{\"key\":\"todo\",\"name\":\"To do\",\"kind\":\"open\",\"color\":null}},\
             {{\"key\":\"done\",\"name\":\"Done\",\"kind\":\"done\",\"color\":null}}]}},\n\"tasks\":[\n{tasks}\n]}}"
        )
    };
    let text = file(
        &[
            task(1, ""),
            task(2, ",\"parent\":\"01990000-0000-7000-8000-0000000000ff\""),
        ]
        .join(",\n"),
    );
    let plan = plan(ImportFormat::Json, text.as_bytes());
    assert_eq!(plan.tasks.len(), 2);
    assert_eq!(plan.tasks[1].line, Some(5));
    loses(&plan, "5: the parent of “t2”: the file does not have it");
    let message = refused(
        ImportFormat::Json,
        file(&task(1, ",\"priority\":\"highest\"")).as_bytes(),
    );
    assert!(message.starts_with("line 4, column "), "{message}");
    let message = refused(
        ImportFormat::Json,
        file(&task(1, ",\"recurrence\":\"weekly\"")).as_bytes(),
    );
    assert!(message.starts_with("line 4: recurrence"), "{message}");
    // an export of a workspace in which tasks are moved meanwhile may have one twice
    let twice = self::plan(
        ImportFormat::Json,
        file(&[task(1, ""), task(1, "")].join(",\n")).as_bytes(),
    );
    assert_eq!(twice.tasks.len(), 1);
    assert!(
        lost(&twice)[0].contains("the file has it twice"),
        "{:?}",
        lost(&twice)
    );
    let large = task(1, &format!(",\"tags\":[{}\"x\"]", "\"x\",".repeat(300_000)));
    assert!(refused(ImportFormat::Json, file(&large).as_bytes()).contains("a record has more than"));
    assert!(
        refused(
            ImportFormat::Json,
            b"{\"format\":\"other\",\"version\":1,\"workspace\":{}}"
        )
        .contains("other")
    );
}

#[test]
fn files_that_are_no_text_are_refused_with_their_line() {
    assert!(refused(ImportFormat::Csv, b"title\n\xff\n").starts_with("line 2: this is no UTF-8"));
    assert!(refused(ImportFormat::Csv, b"\xff\xfet\0i\0").contains("UTF-16"));
    assert!(refused(ImportFormat::Trello, b"{\"lists\":[],\n\"cards\":[").starts_with("line 2, column"));
    assert!(refused(ImportFormat::Vikunja, &archive(&[("x", b"y")])).contains("data.json"));
}

#[test]
fn hostile_files_stay_small() {
    let bomb = archive(&[("data.json", &vec![b' '; 20 << 20])]);
    assert!(refused(ImportFormat::Vikunja, &bomb).contains("when it is unpacked"));
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    for format in [ImportFormat::Vikunja, ImportFormat::Taskwarrior] {
        assert!(read(format, &given(deep.as_bytes())).is_err(), "{format:?}");
    }
    let deep = format!(
        "{{\"lists\":[],\"cards\":[{{\"name\":\"a\",\"desc\":{}1{}}}]}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let _ = read(ImportFormat::Trello, &given(deep.as_bytes()));
    let many = format!("title\n{}", "x\n".repeat(MOST_ROWS + 1));
    assert!(refused(ImportFormat::Csv, many.as_bytes()).contains("split the file"));
    let wide = format!(
        "[{{\"description\":\"a\",\"tags\":[{}\"x\"]}}]",
        "\"x\",".repeat(50_000)
    );
    assert_eq!(
        plan(ImportFormat::Taskwarrior, wide.as_bytes()).tasks[0]
            .tags
            .len(),
        1
    );
}

#[test]
fn what_a_file_says_once_is_not_kept_large_for_each_task() {
    let tasks = "task,a,,,\n".repeat(3);
    let file = format!(
        "TYPE,CONTENT,INDENT,DATE\nsection,{},,\n{tasks}",
        "s".repeat(500_000)
    );
    let read = todoist::read(&given(file.as_bytes())).expect("a plan");
    assert_eq!(read.tasks.len(), 3);
    assert!(read.tasks.iter().all(|task| task.tags[0].len() == limits::TAG));
    let nested = format!(
        "[{{\"id\":1,\"title\":\"{}\",\"child_projects\":[{{\"title\":\"a\"}},{{\"title\":\"a\"}}]}}]",
        "p".repeat(500_000)
    );
    let read = vikunja::read(&given(nested.as_bytes())).expect("a plan");
    let above = read.projects[1].above.as_ref().map(String::len);
    assert_eq!(above, Some(limits::PROJECT_NAME));
    let board = format!(
        "{{\"lists\":[],\"cards\":[{{\"name\":\"a\",\"idMembers\":[\"m\"]}}],\"members\":[{{\"id\":\"m\",\"username\":\"{}\"}}]}}",
        "n".repeat(500_000)
    );
    let read = trello::read(&given(board.as_bytes())).expect("a plan");
    assert!(read.tasks[0].people[0].name.len() <= 300);
}

#[test]
fn names_of_one_letter_do_not_fill_the_memory() {
    let row = format!("a,\"{}\"\n", "x,".repeat(200));
    let many = format!("title,assignees\n{}", row.repeat(MOST_NAMES / 200 + 1));
    assert!(refused(ImportFormat::Csv, many.as_bytes()).contains("tags, people and blockers"));
    let many = format!("title,blocked_by\n{}", row.repeat(MOST_NAMES / 200 + 1));
    assert!(refused(ImportFormat::Csv, many.as_bytes()).contains("tags, people and blockers"));
    let rows: String = (0..10_001).fold(String::new(), |all, n| all + &format!("a,t{n}\n"));
    let message = refused(ImportFormat::Csv, format!("title,tags\n{rows}").as_bytes());
    assert!(message.contains("10000 different tags"), "{message}");
    let labels: Vec<String> = (0..10_001).map(|n| format!("{{\"name\":\"{n}\"}}")).collect();
    let board = format!("{{\"lists\":[],\"cards\":[],\"labels\":[{}]}}", labels.join(","));
    assert!(refused(ImportFormat::Trello, board.as_bytes()).contains("10000 different tags"));
}

#[test]
fn more_stages_than_any_workspace_has_are_not_looked_at() {
    let lists: Vec<String> = (0..1000)
        .map(|n| format!("{{\"id\":\"{n}\",\"name\":\"List {n}\"}}"))
        .collect();
    let cards = "{\"name\":\"first\",\"idList\":\"7\"},{\"name\":\"last\",\"idList\":\"999\"}";
    let board = format!("{{\"lists\":[{}],\"cards\":[{cards}]}}", lists.join(","));
    let plan = plan(ImportFormat::Trello, board.as_bytes());
    assert_eq!(plan.stages.len(), 5 * limits::STAGES);
    assert_eq!(titled(&plan, "first").stage, Some(7));
    assert_eq!(titled(&plan, "last").stage, None);
    loses(&plan, "1: the stage List 999: a workspace has at most 20 stages");
}

#[test]
fn a_list_that_an_object_names_again_and_again_is_read_once() {
    let (fields, items) = ("\"other\":0,".repeat(900), "{},".repeat(30_000));
    let file = format!(
        "[{{\"title\":\"p\",\"tasks\":[{{\"id\":1,\"title\":\"a\",\"related_tasks\":{{{fields}\"other\":[{items}{{}}]}}}}]}}]"
    );
    let plan = plan(ImportFormat::Vikunja, file.as_bytes());
    let last = plan.lost.into_items().pop().expect("an item");
    assert_eq!(last.what, "29001 more");
}

/// Pieces of which files are made, so that a parser gets further than its first byte.
const PIECES: [&str; 40] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    ",",
    ":",
    "\n",
    "\r\n",
    "null",
    "true",
    "1e400",
    "-0",
    "\\u0000",
    "\u{0}",
    "\u{feff}",
    "é",
    "\u{202e}",
    "\"tasks\":",
    "\"cards\":[",
    "\"lists\":[",
    "\"id\":1,",
    "\"title\":\"",
    "\"description\":\"",
    "\"status\":\"pending\",",
    "\"related_tasks\":{\"subtask\":[",
    "\"depends\":\"",
    "TYPE,CONTENT,INDENT,DATE\n",
    "task,a,9,every day\n",
    "title,id,parent_id,blocked_by\n",
    "a,a,a,a\n",
    "note,",
    "section,",
    "\"format\":\"taskwire\",\"version\":1,\"workspace\":{\"name\":\"\",\"stages\":[]},",
    "\"recur\":\"",
    "20300101T000000Z",
    "every other monday at 25:61",
    "<p>",
    "PK\u{3}\u{4}",
    "\"pos\":",
];

#[test]
fn an_id_in_two_spellings_is_one_id() {
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let (capitals, short) = (id.to_uppercase(), id.replace('-', ""));
    let blocked = format!("title,id,blocked_by\nA,{id},\nB,2,{capitals}\nC,3,{short}\n");
    let plan = plan(ImportFormat::Csv, blocked.as_bytes());
    assert_eq!((titled(&plan, "B").blocked_by.len(), lost(&plan).len()), (1, 0));
    assert_eq!(titled(&plan, "C").blocked_by, titled(&plan, "B").blocked_by);
    // two tasks with one id could block each other in a circle that no row shows
    let twice = format!("title,id,blocked_by\nA,{id},\nB,2,{id}\nC,{capitals},2\n");
    let why = refused(ImportFormat::Csv, twice.as_bytes());
    assert!(
        why.contains("line 4") && why.contains("another row has the same id"),
        "{why}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in ImportFormat::ALL {
            let _ = read(format, &given(&bytes));
        }
    }

    #[test]
    fn no_pieces_of_files_make_a_parser_panic(places in proptest::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = places.into_iter().map(|place| PIECES[place]).collect();
        for format in ImportFormat::ALL {
            let _ = read(format, &given(text.as_bytes()));
        }
    }

    #[test]
    fn no_change_of_a_file_makes_a_parser_panic(
        (file, place, byte, cut) in (0..4_usize, any::<usize>(), any::<u8>(), any::<bool>())
    ) {
        let (format, content) = [
            (ImportFormat::Todoist, TODOIST),
            (ImportFormat::Trello, TRELLO),
            (ImportFormat::Vikunja, VIKUNJA),
            (ImportFormat::Taskwarrior, TASKWARRIOR),
        ][file];
        let mut changed = content.to_vec();
        let place = place % changed.len();
        changed[place] = byte;
        if cut {
            changed.truncate(place);
        }
        if let Ok(plan) = read(format, &given(&changed)) {
            // what is settled keeps every rule
            for (here, task) in plan.tasks.iter().enumerate() {
                prop_assert!(task.parent.is_none_or(|parent| parent < here));
                prop_assert!(crate::domain::task::title(&task.title).is_ok());
            }
        }
    }
}
