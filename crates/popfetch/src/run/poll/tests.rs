use super::super::support::{INTERVAL, Script, account, failed, round};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Polls for so long, with a second for each visit, while `meddle` gives orders. When the visits
/// ended.
async fn polled(
    time: Duration,
    ends: impl IntoIterator<Item = Outcome>,
    meddle: impl AsyncFnOnce(&watch::Sender<Option<Arc<Account>>>),
) -> Vec<f64> {
    let (round, _ask, _told) = round(Script::new(SECOND, ends));
    let (give, orders) = watch::channel(Some(Arc::new(account("one"))));
    tokio::select! {
        () = round.poll(orders) => {}
        () = async {
            meddle(&give).await;
            std::future::pending::<()>().await;
        } => {}
        () = tokio::time::sleep(time) => {}
    }
    round.visitor.seconds()
}

/// The waits between visits.
fn waits(ended: &[f64]) -> Vec<f64> {
    ended.windows(2).map(|two| two[1] - two[0] - 1.0).collect()
}

#[tokio::test(start_paused = true)]
async fn an_account_is_visited_at_its_interval_more_or_less() {
    let ended = polled(10 * HOUR, [], async |_| {}).await;
    assert!((ended[0] - 1.0).abs() < 0.1, "not at once");
    let waits = waits(&ended);
    assert!((100..140).contains(&waits.len()), "{}", waits.len());
    // The timer counts in milliseconds.
    assert!(waits.iter().all(|wait| (269.9..330.1).contains(wait)));
    assert!(waits.iter().any(|wait| (wait - waits[0]).abs() > 1.0));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_it_is_visited_soon() {
    let ends = [failed(Status::Temporary), failed(Status::Temporary)];
    let waits = waits(&polled(HOUR, ends, async |_| {}).await);
    assert!((26.0..34.0).contains(&waits[0]), "{waits:?}");
    assert!((53.0..67.0).contains(&waits[1]), "{waits:?}");
    assert!((269.0..331.0).contains(&waits[2]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn e19_whoever_gave_the_turn_away_is_next_behind_those_who_wait() {
    let gave_way = || {
        let mut outcome = Outcome::default();
        outcome.gave_way = true;
        outcome
    };
    let waits = waits(&polled(HOUR, [gave_way(), gave_way()], async |_| {}).await);
    assert!(waits[..2].iter().all(|wait| wait.abs() < 0.1), "{waits:?}");
    assert!((269.0..331.0).contains(&waits[2]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_setting_waits_for_new_orders() {
    let ends = || [failed(Status::Configuration)];
    assert_eq!(polled(24 * HOUR, ends(), async |_| {}).await.len(), 1);
    let ended = polled(2 * HOUR, ends(), async |give| {
        tokio::time::sleep(HOUR).await;
        give.send(Some(Arc::new(account("one")))).unwrap();
    })
    .await;
    assert!((ended[1] - 3601.0).abs() < 0.1, "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn new_orders_are_obeyed_at_once_but_cut_off_no_visit() {
    // Given in the middle of the first visit, and then between two.
    let ended = polled(200 * SECOND, [], async |give| {
        tokio::time::sleep(SECOND / 2).await;
        give.send(Some(Arc::new(account("one")))).unwrap();
        tokio::time::sleep(100 * SECOND).await;
        give.send(Some(Arc::new(account("one")))).unwrap();
    })
    .await;
    let rounded: Vec<f64> = ended.iter().map(|time| time.round()).collect();
    assert_eq!(rounded, [1.0, 2.0, 102.0]);
}

#[tokio::test(start_paused = true)]
async fn p10_not_even_new_orders_hurry_a_login_delay() {
    let delayed = || {
        let mut outcome = Outcome::default();
        outcome.login_delay = Some(2 * INTERVAL);
        outcome
    };
    let ended = polled(HOUR / 2, [delayed(), delayed()], async |give| {
        tokio::time::sleep(10 * SECOND).await;
        give.send(Some(Arc::new(account("one")))).unwrap();
    })
    .await;
    let waits = waits(&ended);
    assert!(
        waits[..2].iter().all(|wait| (wait - 600.0).abs() < 0.1),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_account_without_orders_is_left_when_its_visit_has_ended() {
    let (round, _ask, _told) = round(Script::new(SECOND, []));
    let (give, orders) = watch::channel(Some(Arc::new(account("one"))));
    tokio::join!(round.poll(orders), async {
        tokio::time::sleep(SECOND / 2).await;
        give.send(None).unwrap();
    });
    assert_eq!(round.visitor.seconds().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_stops_at_once() {
    let (round, ask, told) = round(Script::new(SECOND, []));
    let (_give, orders) = watch::channel(Some(Arc::new(account("one"))));
    let begun = Instant::now();
    tokio::join!(round.poll(orders), async {
        tokio::time::sleep(100 * SECOND).await;
        ask.send(Some(Status::Terminated)).unwrap();
    });
    assert_eq!(begun.elapsed().as_secs(), 100);
    assert_eq!(round.visitor.seconds().len(), 1);
    assert!(
        told.lines()[0].starts_with("one: Waiting"),
        "{:?}",
        told.lines()
    );
}
