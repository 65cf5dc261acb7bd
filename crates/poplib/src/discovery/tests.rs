use std::convert::Infallible;

use super::*;

fn record(priority: u16, weight: u16, target: &str) -> SRV {
    SRV::new(priority, weight, 995, Name::from_utf8(target).unwrap())
}

/// The targets in order, with these numbers for chance.
fn order(records: &[(u16, u16, &str)], numbers: &[u64]) -> Vec<String> {
    let records = records
        .iter()
        .map(|&(priority, weight, target)| record(priority, weight, target))
        .collect();
    let mut numbers = numbers.iter();
    let random = |most| {
        let &number = numbers.next().expect("a number for each record");
        assert!(number <= most, "{number} of {most}");
        Ok::<_, Infallible>(number)
    };
    let Ok(ordered) = ordered(records, random);
    ordered.iter().map(|record| bare(&record.target)).collect()
}

#[test]
fn lower_priorities_come_first() {
    let records = [(20, 0, "c."), (10, 0, "b."), (0, 0, "a.")];
    assert_eq!(order(&records, &[0, 0, 0]), ["a", "b", "c"]);
    assert_eq!(order(&[], &[]), [""; 0]);
}

#[test]
fn weights_share_the_numbers() {
    let records = [(0, 3, "three."), (0, 1, "one."), (0, 0, "none.")];
    // Of 0 to 4, none has the 0, one has the 1, three the rest.
    for (number, first) in [(0, "none"), (1, "one"), (2, "three"), (4, "three")] {
        assert_eq!(order(&records, &[number, 0, 0])[0], first, "{number}");
    }
    assert_eq!(order(&records, &[4, 1, 0]), ["three", "one", "none"]);
}

#[test]
fn the_largest_weights_do_not_overflow() {
    let records = vec![(0, u16::MAX, "x."); 200];
    let most = u64::from(u16::MAX);
    let numbers: Vec<u64> = (1..=200).rev().map(|left| left * most).collect();
    assert_eq!(order(&records, &numbers).len(), 200);
}

#[test]
fn chance_stays_in_its_bounds() {
    for most in [0, 1, 7, u64::from(u16::MAX)] {
        for _ in 0..50 {
            assert!(random(most).unwrap() <= most);
        }
    }
}

#[test]
fn a_host_within_the_domain_is_below_it() {
    for (host, within) in [
        ("example.org.", true),
        ("pop.Example.ORG.", true),
        ("a.b.example.org.", true),
        ("badexample.org.", false),
        ("example.org.evil.net.", false),
        ("org.", false),
    ] {
        let service = Service::new("example.org", &record(0, 0, host), Security::Stls);
        assert_eq!(service.is_within_domain(), within, "{host}");
        let config = service.config();
        assert_eq!(config.address().1, 995);
        assert_eq!(config.security(), Security::Stls);
        let name = if within {
            service.host()
        } else {
            "example.org"
        };
        assert_eq!(config.certificate_name(), name, "{host}");
        assert_eq!(
            service.confirmed_config().certificate_name(),
            service.host()
        );
    }
}

#[test]
fn domains_are_compared_in_their_ascii_form() {
    let (name, base) = names("_pop3s._tcp", "Bücher.Example.").unwrap();
    assert_eq!(name.to_ascii(), "_pop3s._tcp.xn--bcher-kva.example.");
    assert_eq!(base, "xn--bcher-kva.example");
    for domain in ["a..b", &"x".repeat(64)] {
        let error = names("_pop3s._tcp", domain).unwrap_err();
        assert!(matches!(error, Error::Resolve { .. }), "{error:?}");
    }
}
