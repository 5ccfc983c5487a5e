//! The transitions of a Delivery: a try starts, a call is about to leave, an outcome is known.

use crate::crm::{Call, RecordRef, Safety, Trouble, Verdict, Why};

use super::{Delivery, State, parking, schedule};

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The CRM answered, and this is what it means.
    Answered(Verdict),
    /// No answer came, or only a part of one: refused connection, reset, timeout.
    NoAnswer(Trouble),
    /// The call never left: a secret is missing.
    NotSent(Trouble),
}

/// A try begins: counted, and put off as if it had failed, before it is made. A delivery that brings down its object so
/// uses up its tries and waits between them like any other, instead of being what every new run falls over first.
///
/// Returns whether there is a try left; the last one may have been cut short, and nothing but this would notice.
pub fn start(delivery: &mut Delivery, schedule: &[u64], now: i64, jitter: f64) -> bool {
    if usize::try_from(delivery.attempts).unwrap_or(usize::MAX) > schedule.len() {
        delivery.state = State::Exhausted;
        let cut_short =
            || Trouble::new(Why::NoAnswer, "the last try was cut short: the Outbox was stopped in the middle");
        delivery.trouble.get_or_insert_with(cut_short);
        return false;
    }
    delivery.attempts += 1;
    let pause = schedule::pause(schedule, delivery.attempts, None, jitter);
    put_off(delivery, now, pause.unwrap_or_else(|| schedule::free_pause(None, jitter)));
    true
}

/// The run has no call left for this delivery: the try goes on with the next run, and is not counted twice.
pub fn interrupt(delivery: &mut Delivery, now: i64) {
    delivery.attempts = delivery.attempts.saturating_sub(1);
    delivery.next_at = now;
}

/// The trouble of an outcome that is not about this lead but about the whole account: the other deliveries to it need
/// not each learn for themselves that there are too many calls, that the credentials do not hold, or that a secret is
/// missing.
pub fn is_for_all(outcome: &Outcome) -> Option<&Trouble> {
    match outcome {
        Outcome::NotSent(trouble) | Outcome::Answered(Verdict::TryLater(trouble) | Verdict::InDoubt(trouble)) => {
            Some(trouble).filter(|trouble| parking::parks(trouble.why))
        }
        Outcome::Answered(_) | Outcome::NoAnswer(_) => None,
    }
}

/// An outcome that seems to be about the credentials, and is about this lead: it was turned away before, and others have got
/// through since, or its destination would still be parked (`is_parked`). A firewall that does not like a message says so
/// with a 403. It uses up its tries like any other, and parks nobody.
pub fn of_its_own(delivery: &Delivery, outcome: Outcome, is_parked: bool) -> Outcome {
    match outcome {
        Outcome::Answered(Verdict::TryLater(trouble))
            if trouble.why == Why::Credentials && !is_parked && was_turned_away(delivery) =>
        {
            Outcome::Answered(Verdict::TryLater(Trouble { why: Why::TurnedAway, ..trouble }))
        }
        outcome => outcome,
    }
}

/// Whether this lead was turned away the last time that it was asked.
pub fn was_turned_away(delivery: &Delivery) -> bool {
    delivery.trouble.as_ref().is_some_and(|trouble| matches!(trouble.why, Why::Credentials | Why::TurnedAway))
}

/// Whether an outcome shows that the account works: its other deliveries may go on. A step on the way shows nothing: a key
/// that may read and not write gets as far with every new lead, and those that wait would be told that others got through.
pub fn is_well(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(Verdict::Delivered(_) | Verdict::Refused(_)))
}

/// `call` is about to leave, and its answer is waited for until `answer_by`. Storing this first is what makes a crash
/// visible: a create without an answer is in doubt. And it must not be looked for while the vendor may still be at work on
/// it, so until then it is put off, unless its schedule waits longer: a try that dies with its process here every time would
/// else use up its days in minutes. Who lives to see the outcome puts a better time in its place.
/// Returns whether there is something to store.
pub fn intend(delivery: &mut Delivery, call: &Call, answer_by: i64) -> bool {
    let creates = call.safety == Safety::Create;
    if creates {
        delivery.progress.in_doubt = Some(call.step.to_owned());
        delivery.next_at = delivery.next_at.max(answer_by);
    }
    creates
}

/// Takes in how `call` ended; returns whether the same try goes on with another step. `jitter` is in `0.0..1.0`.
pub fn advance(
    delivery: &mut Delivery,
    call: &Call,
    outcome: Outcome,
    schedule: &[u64],
    now: i64,
    jitter: f64,
) -> bool {
    let settled = !matches!(outcome, Outcome::NoAnswer(_) | Outcome::Answered(Verdict::InDoubt(_)));
    if settled && delivery.progress.in_doubt.as_deref() == Some(call.step) {
        delivery.progress.in_doubt = None;
    }
    match outcome {
        Outcome::Answered(Verdict::GoOn(lessons)) => {
            delivery.progress.take(&lessons);
            return true;
        }
        Outcome::Answered(Verdict::Delivered(record)) => deliver(delivery, record),
        Outcome::Answered(Verdict::Refused(trouble)) => refuse(delivery, trouble),
        Outcome::Answered(Verdict::TryLater(trouble) | Verdict::InDoubt(trouble))
        | Outcome::NoAnswer(trouble)
        | Outcome::NotSent(trouble) => postpone(delivery, trouble, schedule, now, jitter),
    }
    false
}

/// The CRM has the record.
pub fn deliver(delivery: &mut Delivery, record: RecordRef) {
    delivery.state = State::Delivered;
    delivery.record = Some(record);
    delivery.trouble = None;
}

/// It waits for a person.
pub fn refuse(delivery: &mut Delivery, trouble: Trouble) {
    delivery.state = State::Refused;
    delivery.trouble = Some(trouble);
}

/// It is tried again later. A trouble of the whole account uses up no try. A create in doubt skips the shortest pause:
/// the CRM's search may need a moment to know of a record that was made after all.
pub fn postpone(delivery: &mut Delivery, trouble: Trouble, schedule: &[u64], now: i64, jitter: f64) {
    let pause = if parking::parks(trouble.why) {
        delivery.attempts = delivery.attempts.saturating_sub(1);
        match trouble.why {
            Why::RateLimited => Some(schedule::free_pause(trouble.wait_ms, jitter)),
            // It stays due: its destination is parked, and this one, or another, is the next probe.
            _ => Some(0),
        }
    } else {
        let planned = schedule::pause(schedule, delivery.attempts, trouble.wait_ms, jitter);
        let longer = || schedule::pause(schedule, delivery.attempts + 1, trouble.wait_ms, jitter).or(planned);
        if delivery.progress.in_doubt.is_some() && planned.is_some() { longer() } else { planned }
    };
    match pause {
        Some(pause) => put_off(delivery, now, pause),
        None => delivery.state = State::Exhausted,
    }
    delivery.trouble = Some(trouble);
}

fn put_off(delivery: &mut Delivery, now: i64, pause: u64) {
    delivery.next_at = now.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::{Lesson, Method};

    fn call(safety: Safety) -> Call {
        Call { step: "lead", method: Method::Post, url: String::new(), headers: vec![], body: None, safety }
    }

    fn trouble(why: Why) -> Trouble {
        Trouble::new(why, "")
    }

    /// One try of a delivery whose only call ends so.
    fn tried(safety: Safety, outcome: Outcome) -> (Delivery, bool) {
        let mut delivery = Delivery::new("s", "d", 1_000);
        let call = call(safety);
        let schedule = &[10_000, 60_000];
        assert!(start(&mut delivery, schedule, 1_000, 0.5));
        intend(&mut delivery, &call, 3_000);
        let goes_on = advance(&mut delivery, &call, outcome, schedule, 1_000, 0.5);
        (delivery, goes_on)
    }

    #[test]
    fn each_outcome_and_where_it_leads() {
        use Outcome::{Answered, NoAnswer, NotSent};
        use Verdict::{Delivered, GoOn, InDoubt, Refused, TryLater};
        let record = RecordRef { id: "r".into(), note: None };
        // safety, outcome -> state, tries used up, due at, in doubt, the try goes on
        let rows = [
            (Safety::Create, Answered(Delivered(record)), State::Delivered, 1, 11_000, false, false),
            (Safety::Create, Answered(GoOn(vec![])), State::Pending, 1, 11_000, false, true),
            (Safety::Create, Answered(Refused(trouble(Why::Invalid))), State::Refused, 1, 11_000, false, false),
            (Safety::Create, Answered(TryLater(trouble(Why::Unavailable))), State::Pending, 1, 11_000, false, false),
            (Safety::Create, Answered(TryLater(trouble(Why::RateLimited))), State::Pending, 0, 32_500, false, false),
            (Safety::Create, Answered(InDoubt(trouble(Why::Unexpected))), State::Pending, 1, 61_000, true, false),
            (Safety::Create, NoAnswer(trouble(Why::NoAnswer)), State::Pending, 1, 61_000, true, false),
            (Safety::Create, NotSent(trouble(Why::Config)), State::Pending, 0, 1_000, false, false),
            (Safety::Create, Answered(TryLater(trouble(Why::Credentials))), State::Pending, 0, 1_000, false, false),
            (Safety::Idempotent, NoAnswer(trouble(Why::NoAnswer)), State::Pending, 1, 11_000, false, false),
            (Safety::Read, NoAnswer(trouble(Why::NoAnswer)), State::Pending, 1, 11_000, false, false),
        ];
        for (safety, outcome, state, attempts, next_at, in_doubt, goes_on) in rows {
            let row = format!("{safety:?} {outcome:?}");
            let (delivery, went_on) = tried(safety, outcome);
            let found =
                (delivery.state, delivery.attempts, delivery.next_at, delivery.progress.in_doubt.is_some(), went_on);
            assert_eq!(found, (state, attempts, next_at, in_doubt, goes_on), "{row}");
        }
    }

    #[test]
    fn only_a_create_is_put_off_until_its_answer_must_be_there() {
        let intended = |safety, answer_by| {
            let mut delivery = Delivery::new("s", "d", 0);
            start(&mut delivery, &[10_000], 0, 0.5);
            let stored = intend(&mut delivery, &call(safety), answer_by);
            (stored, delivery.next_at, delivery.progress.in_doubt)
        };
        let in_doubt = || Some("lead".to_owned());
        assert_eq!(intended(Safety::Create, 20_000), (true, 20_000, in_doubt()));
        assert_eq!(intended(Safety::Create, 2_000), (true, 10_000, in_doubt()), "its schedule waits longer");
        assert_eq!(intended(Safety::Idempotent, 20_000), (false, 10_000, None));
        assert_eq!(intended(Safety::Read, 20_000), (false, 10_000, None));
    }

    #[test]
    fn a_lookup_settles_the_doubt_only_by_saying_so() {
        let (mut delivery, _) = tried(Safety::Create, Outcome::NoAnswer(trouble(Why::NoAnswer)));
        let look = Call { step: "find_lead", ..call(Safety::Read) };
        let unanswered = Outcome::NoAnswer(trouble(Why::NoAnswer));
        advance(&mut delivery, &look, unanswered, &[1, 1, 1], 2_000, 0.5);
        assert_eq!(delivery.progress.in_doubt.as_deref(), Some("lead"));
        let nothing = Outcome::Answered(Verdict::GoOn(vec![Lesson::NotInDoubt]));
        assert!(advance(&mut delivery, &look, nothing, &[1, 1, 1], 3_000, 0.5));
        assert_eq!(delivery.progress.in_doubt, None);
    }

    #[test]
    fn a_used_up_schedule_waits_for_a_person() {
        let mut delivery = Delivery::new("s", "d", 0);
        for _ in 0..2 {
            assert!(start(&mut delivery, &[10], 0, 0.5));
            let outcome = Outcome::NoAnswer(trouble(Why::NoAnswer));
            advance(&mut delivery, &call(Safety::Idempotent), outcome, &[10], 0, 0.5);
        }
        assert_eq!((delivery.state, delivery.attempts), (State::Exhausted, 2));
    }

    #[test]
    fn tries_that_are_cut_short_wait_by_the_schedule_and_end() {
        let mut delivery = Delivery::new("s", "d", 0);
        let starts: Vec<_> = (0..4).map(|_| (start(&mut delivery, &[10, 200], 0, 0.5), delivery.next_at)).collect();
        // After the last try there is no pause in the schedule; whether it came through is looked at a little later.
        assert_eq!(starts, [(true, 10), (true, 200), (true, 31_500), (false, 31_500)]);
        assert_eq!((delivery.state, delivery.attempts), (State::Exhausted, 3));
        assert_eq!(delivery.trouble.map(|trouble| trouble.why), Some(Why::NoAnswer));
    }

    #[test]
    fn an_interrupted_try_is_due_at_once_and_not_counted() {
        let mut delivery = Delivery::new("s", "d", 0);
        start(&mut delivery, &[10_000], 0, 0.5);
        delivery.progress.facts.insert("people_id".into(), "p1".into());
        interrupt(&mut delivery, 7);
        assert_eq!((delivery.state, delivery.attempts, delivery.next_at), (State::Pending, 0, 7));
        assert_eq!(delivery.progress.fact("people_id"), Some("p1"));
    }

    #[test]
    fn what_is_the_whole_accounts_trouble_and_what_shows_that_it_is_well() {
        use Outcome::{Answered, NoAnswer, NotSent};
        use Verdict::{Delivered, GoOn, InDoubt, Refused, TryLater};
        let record = RecordRef { id: "r".into(), note: None };
        // outcome -> parks the destination, shows that it is well
        for (outcome, for_all, well) in [
            (Answered(TryLater(trouble(Why::RateLimited))), true, false),
            (Answered(InDoubt(trouble(Why::RateLimited))), true, false),
            (Answered(TryLater(trouble(Why::Credentials))), true, false),
            (NotSent(trouble(Why::Config)), true, false),
            (Answered(TryLater(trouble(Why::Unavailable))), false, false),
            (Answered(Refused(trouble(Why::Invalid))), false, true),
            (Answered(GoOn(vec![])), false, false),
            (Answered(Delivered(record)), false, true),
            (NoAnswer(trouble(Why::NoAnswer)), false, false),
        ] {
            let found = (is_for_all(&outcome).is_some(), is_well(&outcome));
            assert_eq!(found, (for_all, well), "{outcome:?}");
        }
    }

    #[test]
    fn a_lead_is_turned_away_itself_when_others_have_got_through_since() {
        // the trouble before, the answer's, whether it is parked -> what it counts as
        for (before, why, is_parked, expected) in [
            (None, Why::Credentials, false, Why::Credentials),
            (Some(Why::Unavailable), Why::Credentials, false, Why::Credentials),
            (Some(Why::Credentials), Why::Credentials, true, Why::Credentials),
            (Some(Why::Credentials), Why::Credentials, false, Why::TurnedAway),
            (Some(Why::TurnedAway), Why::Credentials, false, Why::TurnedAway),
            (Some(Why::TurnedAway), Why::Credentials, true, Why::Credentials),
            (Some(Why::Credentials), Why::RateLimited, false, Why::RateLimited),
        ] {
            let mut delivery = Delivery::new("s", "d", 0);
            delivery.trouble = before.map(trouble);
            let outcome = Outcome::Answered(Verdict::TryLater(trouble(why).wait(Some(7))));
            let expected = Outcome::Answered(Verdict::TryLater(trouble(expected).wait(Some(7))));
            assert_eq!(of_its_own(&delivery, outcome, is_parked), expected, "{before:?} {why:?} {is_parked}");
        }
        assert!(!parking::parks(Why::TurnedAway));
    }

    #[test]
    fn a_create_in_doubt_waits_longer_before_the_first_look() {
        let in_doubt = |schedule: &[u64]| {
            let mut delivery = Delivery::new("s", "d", 0);
            let call = call(Safety::Create);
            start(&mut delivery, schedule, 0, 0.5);
            intend(&mut delivery, &call, 20_000);
            advance(&mut delivery, &call, Outcome::NoAnswer(trouble(Why::NoAnswer)), schedule, 0, 0.5);
            (delivery.state, delivery.next_at)
        };
        assert_eq!(in_doubt(&[5_000, 30_000]), (State::Pending, 30_000));
        assert_eq!(in_doubt(&[5_000]), (State::Pending, 5_000));
    }
}
