use super::*;

const INTERVAL: Duration = Duration::from_secs(300);

fn failed(status: Status) -> Option<Failure> {
    Some(Failure::new(status, "could not"))
}

/// Whether it is that time, a tenth earlier or later.
#[track_caller]
fn assert_about(time: Option<Duration>, seconds: u64) {
    let time = time.unwrap().as_secs_f64();
    let expected = seconds as f64;
    assert!(
        (expected * 0.9..=expected * 1.1).contains(&time),
        "{time} is not about {expected}"
    );
}

fn after(pace: &mut Pace, failure: &Option<Failure>) -> Option<Duration> {
    pace.after(
        failure.as_ref(),
        INTERVAL,
        None,
        &mut Jitter(Random::new(7)),
    )
}

#[test]
fn the_interval_is_spread_over_a_fifth_of_itself() {
    let mut jitter = Jitter(Random::new(1));
    let times: Vec<f64> = (0..1000)
        .map(|_| jitter.spread(Duration::from_secs(100)).as_secs_f64())
        .collect();
    assert!(times.iter().all(|time| (90.0..110.0).contains(time)));
    // In every fifth of the range there are about as many.
    for fifth in 0..5 {
        let start = 90.0 + 4.0 * f64::from(fifth);
        let here = times
            .iter()
            .filter(|time| (start..start + 4.0).contains(*time));
        assert!((150..250).contains(&here.count()));
    }
}

#[test]
fn two_processes_do_not_throw_the_same_dice() {
    assert_ne!(Jitter::from_system().0, Jitter::from_system().0);
}

#[test]
fn what_may_pass_is_tried_again_soon_and_then_less_and_less_often() {
    let mut pace = Pace::default();
    for status in [
        Status::Temporary,
        Status::Unavailable,
        Status::Protocol,
        Status::InputOutput,
        Status::CannotCreate,
    ] {
        let mut pace = Pace::default();
        assert_about(after(&mut pace, &failed(status)), 30);
    }
    let failure = failed(Status::Temporary);
    for seconds in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
        assert_about(after(&mut pace, &failure), seconds);
    }
    // The first success ends that.
    assert_about(after(&mut pace, &None), 300);
    assert_about(after(&mut pace, &failure), 30);
}

#[test]
fn a_refused_login_is_tried_again_late() {
    let mut pace = Pace::default();
    let failure = failed(Status::LoginRefused);
    for seconds in [900, 1800, 3600, 7200, 14_400, 21_600, 21_600] {
        assert_about(after(&mut pace, &failure), seconds);
    }
    assert_about(after(&mut pace, &failed(Status::Temporary)), 30);
}

#[test]
fn a_wrong_setting_waits_for_another() {
    let mut pace = Pace::default();
    assert_eq!(after(&mut pace, &failed(Status::Configuration)), None);
    assert_eq!(after(&mut pace, &failed(Status::Usage)), None);
}

#[test]
fn p10_the_login_delay_is_the_least_and_is_not_spread() {
    let delay = Duration::from_secs(900);
    for seed in 0..100 {
        let mut jitter = Jitter(Random::new(seed));
        let mut pace = Pace::default();
        let time = pace.after(None, INTERVAL, Some(delay), &mut jitter);
        assert_eq!(time, Some(delay));
        let failure = failed(Status::Temporary);
        let time = pace.after(failure.as_ref(), INTERVAL, Some(delay), &mut jitter);
        assert_eq!(time, Some(delay));
    }
}

#[test]
fn no_number_of_failures_overflows() {
    let mut pace = Pace {
        failures: u32::MAX,
        refused: false,
    };
    assert_about(after(&mut pace, &failed(Status::Temporary)), 3600);
}
