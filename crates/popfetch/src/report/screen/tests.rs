use indicatif::InMemoryTerm;

use super::*;

fn line(name: &str) -> Line<'_> {
    Line {
        name,
        hidden: 0,
        received: 123,
        expected: 5_000,
        octets: 12_300_000,
        total: 456_000_000,
        per_second: 1_234_567.0,
        left: Duration::from_secs(359),
    }
}

fn widths(name: usize) -> Widths {
    let widths = Widths::default();
    widths.name.store(name, Ordering::Relaxed);
    widths.counts.store(9, Ordering::Relaxed);
    widths
}

#[test]
fn a_line_fits_every_width() {
    let long = format!("{}@example.org", "me".repeat(100));
    let wide = "世界世界世界世界@example.org";
    for name in ["me@example.org", &long, wide, ""] {
        let widths = widths(measure_text_width(name));
        for columns in 1..=300 {
            let fitted = line(name).fit(columns, &widths);
            assert!(
                measure_text_width(&fitted) < columns.max(1),
                "{columns}: {fitted}"
            );
            assert!(
                columns < 20 || fitted.contains("123/5000"),
                "{columns}: {fitted}"
            );
        }
    }
}

#[test]
fn what_is_missed_least_is_left_out_first() {
    let lines: Vec<String> = [20, 30, 40, 50, 60, 80, 100, 120, 200]
        .iter()
        .map(|&columns| {
            let short = line("me@example.org").fit(columns, &widths(14));
            let long = line("a.very.long.name.indeed@mail.department.example.org");
            format!("{columns}\n{short}\n{}", long.fit(columns, &widths(51)))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_is_odd_is_shown_all_the_same() {
    let odd = Line {
        octets: 500,
        total: 0,
        received: 7,
        expected: 7,
        per_second: f64::NAN,
        left: Duration::MAX,
        hidden: 3,
        ..line("total")
    };
    insta::assert_snapshot!(odd.fit(100, &widths(20)));
}

/// A screen of so many rows and columns.
fn screen(rows: u16, columns: u16) -> (Screen, InMemoryTerm) {
    let terminal = InMemoryTerm::new(rows, columns);
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    (
        Screen::new(target, Arc::new(move || (rows, columns))),
        terminal,
    )
}

fn planned(fetch: usize) -> Planned {
    Planned {
        fetch,
        fetch_octets: 1_000 * fetch as u64,
        ..Planned::default()
    }
}

/// The first words of each line: name and counts.
fn shown(screen: &Screen, terminal: &InMemoryTerm) -> Vec<String> {
    // Draws, however recently that was done.
    let running = screen.running();
    let all = running.accounts.iter().chain([&running.total]);
    all.filter(|one| one.is_shown)
        .for_each(|one| one.bar.force_draw());
    drop(running);
    let contents = terminal.contents();
    let words = |line: &str| {
        let cells = line.split("  ").map(str::trim);
        let words: Vec<&str> = cells.filter(|cell| !cell.is_empty()).take(2).collect();
        words.join(" ")
    };
    contents.lines().map(words).collect()
}

#[test]
fn one_account_has_one_line_until_it_ends() {
    let (screen, terminal) = screen(24, 80);
    assert_eq!(shown(&screen, &terminal), [""; 0]);
    screen.begin("me", &planned(3));
    screen.advance("me", 1_500, 1);
    assert_eq!(shown(&screen, &terminal), ["me 1/3"]);
    screen.end("me");
    assert_eq!(shown(&screen, &terminal), [""; 0]);
}

#[test]
fn several_accounts_have_a_total() {
    let (screen, terminal) = screen(24, 80);
    for (name, messages) in [("one", 3), ("two", 40), ("none", 0)] {
        screen.begin(name, &planned(messages));
    }
    screen.advance("one", 1_000, 1);
    screen.advance("two", 2_000, 2);
    screen.advance("unknown", 2_000, 2);
    assert_eq!(
        shown(&screen, &terminal),
        ["one 1/3", "two 2/40", "total 3/43"]
    );
    screen.end("one");
    assert_eq!(shown(&screen, &terminal), ["two 2/40", "total 3/43"]);
    screen.end("");
    assert_eq!(shown(&screen, &terminal), [""; 0]);
}

#[test]
fn there_are_never_more_lines_than_rows() {
    let (screen, terminal) = screen(5, 60);
    for account in 1..=9 {
        screen.begin(&format!("account {account}"), &planned(1));
    }
    let expected = [
        "account 1 0/1",
        "account 2 0/1",
        "account 3 0/1",
        "total, 6 more 0/9",
    ];
    assert_eq!(shown(&screen, &terminal)[..3], expected[..3]);
    assert_eq!(shown(&screen, &terminal).len(), 4);
    // Whoever ends makes room for the next.
    screen.end("account 2");
    assert_eq!(
        shown(&screen, &terminal)[..3],
        ["account 1 0/1", "account 3 0/1", "account 4 0/1"]
    );
}

#[test]
fn a14_a_name_moves_nothing() {
    let (screen, terminal) = screen(24, 80);
    screen.begin("a\x1b[2J\u{202e}", &planned(1));
    assert_eq!(shown(&screen, &terminal), [r"a\x1b[2J\u{202e} 0/1"]);
}
