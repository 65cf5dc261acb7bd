use super::*;

fn parse<T: FromStr<Err = String>>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[test]
fn a_pin_is_a_sha256() {
    let digits = "00ff".repeat(16);
    let octets = std::array::from_fn(|position| if position % 2 == 0 { 0 } else { 255 });
    let with_colons = format!("sha256:00:ff:{}", "00ff".repeat(15));
    for right in [
        &format!("sha256:{digits}"),
        &format!("sha256:{}", digits.to_uppercase()),
        &with_colons,
    ] {
        assert_eq!(parse(right), Some(Pin(octets)), "{right}");
    }
    for wrong in [
        &digits,
        "sha256:",
        "sha256:00",
        &format!("sha256:{}", "é".repeat(32)),
    ] {
        assert_eq!(parse::<Pin>(wrong), None, "{wrong}");
    }
}

#[test]
fn times_and_sizes_have_units() {
    let seconds = |text| parse::<Span>(text).map(|Span(time)| time.as_secs());
    assert_eq!(seconds("90"), Some(90));
    assert_eq!(seconds("5m"), Some(300));
    assert_eq!(seconds("14d"), Some(1_209_600));
    assert_eq!(seconds("2 h"), Some(7_200));
    for wrong in ["", "0", "-1", "1.5h", "d", "3 fortnights", "99999999999"] {
        assert_eq!(seconds(wrong), None, "{wrong}");
    }
    let octets = |text| parse::<Size>(text).map(|Size(octets)| octets);
    assert_eq!(octets("4096"), Some(4096));
    assert_eq!(octets("50MB"), Some(50_000_000));
    assert_eq!(octets("1 GiB"), Some(1 << 30));
    for wrong in ["", "MB", "1.5MB", "1TBB", "99999999999999GB"] {
        assert_eq!(octets(wrong), None, "{wrong}");
    }
}

#[test]
fn what_is_kept_is_a_word_a_time_or_a_size() {
    for (text, keep) in [
        ("forever", Some(Keep::Forever)),
        ("none", Some(Keep::None)),
        ("2d", Some(Keep::For(Duration::from_secs(172_800)))),
        ("5m", Some(Keep::For(Duration::from_secs(300)))),
        ("5MB", Some(Keep::Octets(5_000_000))),
        ("5", None),
        ("all", None),
    ] {
        assert_eq!(parse(text), keep, "{text}");
    }
}

#[test]
fn permissions_are_octal_and_leave_the_owner_in() {
    assert_eq!(parse("640"), Some(FileMode(0o640)));
    for wrong in ["0", "400", "1777", "rw", "888", "-600"] {
        assert_eq!(parse::<FileMode>(wrong), None, "{wrong}");
    }
}

#[test]
fn a_window_has_at_least_one_command() {
    assert_eq!(parse("8"), Some(Pipeline::Commands(8)));
    assert_eq!(parse::<Pipeline>("0"), None);
}
