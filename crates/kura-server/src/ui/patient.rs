//! One patient: what lasts at the side, a month of days in the middle.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use kura_model::RequestContext;
use kura_service::timeline::{
    self, Day, Flag, Item, Lane, Month, Problem, Series, Standing, Timeline, is_stay, observation,
};
use maud::{Markup, html};

use super::page::{Page, empty, half, thousands};
use super::patients::{day as date_of, facts, names};
use super::text::{self, Lang, Text};
use super::{blocking, charts, failure};
use crate::App;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
) -> Response {
    let month = page.asked("month").and_then(Month::parse);
    let found = blocking(move || timeline::timeline(&app.bank, &context, &id, month)).await;
    match found {
        Ok(found) => {
            let name = found
                .patient
                .names
                .best()
                .unwrap_or(page.say(text::NO_NAME));
            page.whole(name, &body(&page, &found))
        }
        Err(error) => failure::show(&page, &error),
    }
}

/// Lanes in the order of the filter: name for the style sheet, name for people.
const LANES: [(Lane, &str, Text); 12] = [
    (Lane::Encounter, "encounter", text::LANE_ENCOUNTER),
    (Lane::Condition, "condition", text::LANE_CONDITION),
    (Lane::Allergy, "allergy", text::LANE_ALLERGY),
    (Lane::Laboratory, "laboratory", text::LANE_LABORATORY),
    (Lane::Measurement, "measurement", text::LANE_MEASUREMENT),
    (Lane::Medicine, "medicine", text::LANE_MEDICINE),
    (Lane::Procedure, "procedure", text::LANE_PROCEDURE),
    (Lane::Vaccination, "vaccination", text::LANE_VACCINATION),
    (Lane::Image, "image", text::LANE_IMAGE),
    (Lane::Genome, "genome", text::LANE_GENOME),
    (Lane::Document, "document", text::LANE_DOCUMENT),
    (Lane::Claim, "claim", text::LANE_CLAIM),
];

fn lane(lane: Lane) -> (&'static str, Text) {
    LANES
        .iter()
        .find(|(known, ..)| *known == lane)
        .map_or(("", text::RECORDS), |(_, class, name)| (class, *name))
}

/// The head of every page about this patient.
pub(crate) fn head(page: &Page, patient: &kura_service::patients::Patient, link: bool) -> Markup {
    html! {
        div .patient-head {
            h1 .names {
                @if link { a href={ "/patients/" (patient.id) } { (names(page, patient)) } }
                @else { (names(page, patient)) }
            }
            p { (facts(page, patient)) }
        }
    }
}

fn body(page: &Page, found: &Timeline) -> Markup {
    let id = &found.patient.id;
    html! {
        (head(page, &found.patient, false))
        div .summary {
            (problems(page, id, text::PROBLEMS, &found.problems))
            (problems(page, id, text::ALLERGIES, &found.allergies))
        }
        @if found.months.is_empty() && found.days.is_empty() {
            (empty(page.say(text::EMPTY_RECORD), page.say(text::EMPTY_BANK_LONG)))
        } @else {
            (months(page, found))
        }
        p .quiet { a href={ "/patients/" (id) "/processed" } { (page.say(text::PROCESSED_LINK)) } }
        // Where there is one column, what stands at the side on a wide screen is far below.
        p .jumps {
            @if !found.images.is_empty() { a href="#images" { (page.say(text::IMAGES)) } }
            @if !found.laboratory.is_empty() { a href="#laboratory" { (page.say(text::LAB_CHARTS)) } }
            @if !found.courses.is_empty() { a href="#medicines" { (page.say(text::MEDICINES_OVER_TIME)) } }
            @if !found.genome.is_empty() || !found.findings.is_empty() { a href="#genome" { (page.say(text::GENOME)) } }
        }
        div .record {
            section .line aria-label=(page.say(text::TIME_LINE)) { (time_line(page, found)) }
            div .aside {
                (images(page, found))
                (laboratory(page, found))
                (medicines(page, found))
                (genome(page, found))
            }
        }
    }
}

fn problems(page: &Page, id: &str, title: Text, problems: &[Problem]) -> Markup {
    let (active, past): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| problem.active);
    let chip = |problem: &Problem| {
        html! {
            li { a .chip.high[problem.high] href=(opened(id, &problem.key)) {
                (problem.name)
                @if let Some(since) = &problem.since { " " small { (since.get(..7).unwrap_or(since)) } }
                @if problem.high { " " b { (page.say(text::HIGH_RISK)) } }
            } }
        }
    };
    html! {
        div {
            h2 { (page.say(title)) }
            @if problems.is_empty() { p .quiet { (page.say(text::NONE_RECORDED)) } }
            @if !active.is_empty() { ul .chips { @for problem in active { (chip(problem)) } } }
            @if !past.is_empty() {
                details { summary { (page.say(text::PAST)) " " (past.len()) }
                    ul .chips { @for problem in past { (chip(problem)) } } }
            }
        }
    }
}

/// Years shown without being asked.
const YEARS: usize = 3;

fn months(page: &Page, found: &Timeline) -> Markup {
    let mut years: Vec<i64> = found.months.keys().map(|month| month.year).collect();
    years.extend(found.month.map(|month| month.year));
    years.sort_unstable();
    years.dedup();
    years.reverse();
    let recent = years.len().min(YEARS);
    let shown_earlier = found
        .month
        .is_some_and(|month| years[recent..].contains(&month.year));
    let row = |year: i64| {
        html! {
            tr {
                th scope="row" { (year) }
                @for number in 1..=12 {
                    @let month = Month { year, month: number };
                    @let known = found.months.get(&month);
                    @let current = found.shown.contains(&month);
                    td {
                        @if known.is_some() || current {
                            @let (count, stay) = known.copied().unwrap_or_default();
                            a .month.stay[stay] .(weight(count)) href={ "/patients/" (found.patient.id) "?month=" (month) }
                                aria-current=[current.then_some("true")]
                                title={ (month) ": " (count) @if stay { " · " (page.say(text::CLASS_IMP)) } } { (number) }
                        } @else { span .month.none { (number) } }
                    }
                }
            }
        }
    };
    html! {
        nav .months aria-label=(page.say(text::MONTHS)) {
            table { tbody { @for year in &years[..recent] { (row(*year)) } } }
            @if years.len() > recent {
                details open[shown_earlier] {
                    summary { (page.say(text::MONTHS_EARLIER)) " " (years[years.len() - 1]) "–" (years[recent]) }
                    table { tbody { @for year in &years[recent..] { (row(*year)) } } }
                }
            }
        }
    }
}

/// How dark a month is drawn.
fn weight(count: u64) -> &'static str {
    match count {
        0..=2 => "w1",
        3..=9 => "w2",
        10..=29 => "w3",
        _ => "w4",
    }
}

fn opened(patient: &str, key: &kura_model::RecordKey) -> String {
    format!("/patients/{patient}/open/{}/{}", key.kind, key.id)
}

fn time_line(page: &Page, found: &Timeline) -> Markup {
    let Some(month) = found.month else {
        return html! {};
    };
    let step = |to: Option<Month>, name: Text, before: &str, after: &str| {
        html! {
            @match to {
                Some(to) => a .button href={ "/patients/" (found.patient.id) "?month=" (to) } { (before) (page.say(name)) " " small { (to) } (after) },
                None => span .button.off { (before) (page.say(name)) (after) },
            }
        }
    };
    let present = |lane: Lane| found.days.iter().any(|day| has(day, lane));
    html! {
        div .line-head {
            h2 { (month_name(page.lang, month))
                @if let Some(last) = found.shown.last().filter(|last| **last != month) { " – " (month_name(page.lang, *last)) } }
            div .steps {
                (step(found.older, text::OLDER_MONTH, "← ", ""))
                (step(found.newer, text::NEWER_MONTH, "", " →"))
            }
        }
        fieldset .lanes {
            legend .hidden { (page.say(text::SHOW)) }
            @for (lane, class, name) in LANES {
                @if present(lane) {
                    label .lane-label .(class) { input type="checkbox" id={ "lane-" (class) } checked; span { (page.say(name)) } }
                }
            }
        }
        @if found.cut { p .quiet { (page.say(text::MONTH_CUT)) } }
        @if found.days.is_empty() { p .quiet { (page.say(text::EMPTY_MONTH)) } }
        ol .days {
            @for (place, day) in found.days.iter().enumerate() {
                @let before = place.checked_sub(1).and_then(|place| found.days.get(place));
                @if before.is_some_and(|before| date_of(before.day).get(..7) != date_of(day.day).get(..7)) {
                    li .month-break { (Month::parse(date_of(day.day).get(..7).unwrap_or_default()).map(|month| month_name(page.lang, month)).unwrap_or_default()) }
                }
                (one_day(page, &found.patient.id, day))
            }
        }
        @if !found.days.is_empty() {
            div .steps { (step(found.older, text::OLDER_MONTH, "← ", "")) }
        }
    }
}

fn has(day: &Day, lane: Lane) -> bool {
    match lane {
        Lane::Laboratory => !day.laboratory.is_empty(),
        Lane::Measurement => !day.measurements.is_empty(),
        Lane::Medicine if !day.given.is_empty() => true,
        _ => day.items.iter().any(|item| item.lane == lane),
    }
}

fn month_name(lang: Lang, month: Month) -> String {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    match lang {
        Lang::Ja => format!("{}年{}月", month.year, month.month),
        Lang::En => {
            let name = NAMES.get(month.month as usize - 1).unwrap_or(&"");
            format!("{name} {}", month.year)
        }
    }
}

fn weekday(lang: Lang, day: i64) -> &'static str {
    // 1970-01-01 was a Thursday.
    let (ja, en) = [
        ("木", "Thu"),
        ("金", "Fri"),
        ("土", "Sat"),
        ("日", "Sun"),
        ("月", "Mon"),
        ("火", "Tue"),
        ("水", "Wed"),
    ][day.rem_euclid(7) as usize];
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

fn one_day(page: &Page, id: &str, day: &Day) -> Markup {
    let date = date_of(day.day);
    html! {
        li .day.inpatient[day.inpatient] {
            h3 { time datetime=(date) { b { (date.get(8..).unwrap_or_default().trim_start_matches('0')) } span { (weekday(page.lang, day.day)) } }
                @if day.inpatient { small .stay { (page.say(text::IN_HOSPITAL)) } } }
            div .entries {
                @for item in day.items.iter().filter(|item| item.lane == Lane::Encounter) { (encounter(page, id, item)) }
                @for (lane, class, name) in LANES {
                    @let items: Vec<&Item> = day.items.iter().filter(|item| item.lane == lane && lane != Lane::Encounter).collect();
                    @match lane {
                        Lane::Laboratory if !day.laboratory.is_empty() => (values(page, id, day)),
                        Lane::Measurement if !day.measurements.is_empty() => (measurements(page, id, day)),
                        Lane::Medicine if !items.is_empty() || !day.given.is_empty() => (ordered(page, id, &items, day)),
                        _ if !items.is_empty() => {
                            div .group .(class) {
                                h4 { (page.say(name)) }
                                div .group-body { @for item in items { (entry(page, id, item)) } }
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

fn encounter(page: &Page, id: &str, item: &Item) -> Markup {
    let (class, name) = match item.class.as_deref().unwrap_or_default() {
        "AMB" => ("amb", text::CLASS_AMB),
        "EMER" => ("emer", text::CLASS_EMER),
        class if is_stay(class) => ("imp", text::CLASS_IMP),
        _ => ("amb", text::CLASS_OTHER),
    };
    html! {
        a .band.encounter .(class) href=(opened(id, &item.key)) {
            b { (page.say(name)) } " " (item.title)
            @if let Some(time) = &item.moment.time { " " small { (time) } }
            @if let Some(end) = &item.end { " " small { "– " (end.date()) } }
            @if !item.detail.is_empty() { span .detail { (item.detail.join(" · ")) } }
        }
    }
}

/// A line that opens in place: the script fetches what the link shows.
fn entry(page: &Page, id: &str, item: &Item) -> Markup {
    let url = opened(id, &item.key);
    html! {
        @if item.lane == Lane::Image {
            (picture(page, item))
        } @else {
            details .entry data-open=(url) {
                summary {
                    @if let Some(time) = &item.moment.time { small .time { (time) } " " }
                    span .title { (item.title) }
                    @if let Some(yen) = item.yen { " " b { (money(page, yen)) } }
                    @if !item.detail.is_empty() { " " span .detail { (item.detail.join(" · ")) } }
                }
                p { a href=(url) { (page.say(text::OPEN)) } }
            }
        }
    }
}

/// Points and yen: ten yen are one point (診療報酬の算定方法).
pub(crate) fn money(page: &Page, yen: i64) -> String {
    let figure = |number: i64| thousands(number.unsigned_abs());
    match page.lang {
        Lang::Ja => format!("{}点({}円)", figure(yen / 10), figure(yen)),
        Lang::En => format!("{} points (¥{})", figure(yen / 10), figure(yen)),
    }
}

fn picture(page: &Page, item: &Item) -> Markup {
    html! {
        a .picture href={ "/images/" (item.key.id) } {
            @match &item.image {
                Some((object, _)) => img src={ "/images/picture/" (object) "/1?side=96" } width="64" height="64" alt="" loading="lazy";,
                None => span .no-picture aria-hidden="true" {},
            }
            span {
                span .title { (item.title) }
                span .detail {
                    (item.moment.date()) " "
                    (item.detail.join(" · ")) " · "
                    @match &item.image {
                        Some((_, 1)) => { "1 " (page.say(text::OBJECT)) }
                        Some((_, count)) => { (count) " " (page.say(text::OBJECTS)) }
                        None => (page.say(text::NO_OBJECTS)),
                    }
                }
            }
        }
    }
}

/// High and low are letters and a mark, not a colour alone.
fn flag(page: &Page, flag: Option<Flag>) -> Markup {
    let (mark, name, long) = match flag {
        Some(Flag::High) => ("↑", text::HIGH, text::HIGH_LONG),
        Some(Flag::Low) => ("↓", text::LOW, text::LOW_LONG),
        Some(Flag::Abnormal) => ("!", text::ABNORMAL, text::ABNORMAL_LONG),
        None => return html! {},
    };
    html! { span .flag title=(page.say(long)) { (mark) (page.say(name)) } }
}

fn values(page: &Page, id: &str, day: &Day) -> Markup {
    let (class, name) = lane(Lane::Laboratory);
    html! {
        div .group .(class) {
            h4 { (page.say(name)) }
            ul .values {
                @for value in &day.laboratory {
                    li .outside[value.flag.is_some()] { a href=(opened(id, &value.key)) {
                        span { (value.name) } " " b { (value.shown) } " " small { (value.unit) } (flag(page, value.flag))
                    } }
                }
            }
        }
    }
}

/// What a model measured is marked as such wherever it stands.
fn by_model(page: &Page, standing: Standing) -> Markup {
    let (class, said) = match standing {
        Standing::ResearchOnly => ("state bad", text::AI_RESEARCH),
        Standing::Proposed => ("state run", text::AI_PROPOSED),
        Standing::Accepted => ("state ok", text::AI_ACCEPTED),
        Standing::Rejected => ("state off", text::AI_REJECTED),
    };
    html! { span class=(class) { (page.say(said)) } }
}

fn measurements(page: &Page, id: &str, day: &Day) -> Markup {
    let (class, name) = lane(Lane::Measurement);
    html! {
        div .group .(class) {
            h4 { (page.say(name)) }
            ul .values {
                @for vital in &day.measurements {
                    li .outside[vital.flagged] { a href=(opened(id, &vital.last.key)) {
                        span { (half(page, &vital.name)) } @if let Some(standing) = vital.last.said_by_model { " " (by_model(page, standing)) } " " b { (vital.last.shown) } " " small { (vital.unit) }
                        @if vital.count > 1 {
                            " " small .range {
                                @if let (Some(low), Some(high)) = (vital.lowest, vital.highest) && low < high { (low) "–" (high) " " }
                                "×" (vital.count)
                            }
                        }
                        @if vital.flagged { (flag(page, vital.last.flag)) }
                    } }
                }
            }
        }
    }
}

fn ordered(page: &Page, id: &str, items: &[&Item], day: &Day) -> Markup {
    let (class, name) = lane(Lane::Medicine);
    html! {
        div .group .(class) {
            h4 { (page.say(name)) }
            div .group-body {
                @for item in items { (entry(page, id, item)) }
                @if !day.given.is_empty() {
                    ul .values {
                        li .label { (page.say(text::GIVEN)) }
                        @for given in &day.given {
                            li { a href=(opened(id, &given.key)) {
                                span { (given.name) } " " b { "×" (given.times) } " " small { (given.dose) }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn images(page: &Page, found: &Timeline) -> Markup {
    if found.images.is_empty() {
        return html! {};
    }
    let (here, absent): (Vec<&Item>, Vec<&Item>) =
        found.images.iter().partition(|item| item.image.is_some());
    html! {
        section .panel #images {
            h2 { (page.say(text::IMAGES)) }
            @for item in &here { (picture(page, item)) }
            @if !absent.is_empty() {
                details open[here.is_empty() && absent.len() < 5] {
                    summary { (page.say(text::NO_OBJECTS)) " " (absent.len()) }
                    ul .plain { @for item in absent {
                        li { a href=(opened(&found.patient.id, &item.key)) { (item.title) } " " small .quiet { (item.moment.date()) } }
                    } }
                }
            }
        }
    }
}

/// Charts shown without being asked.
const CHARTS: usize = 14;

fn laboratory(page: &Page, found: &Timeline) -> Markup {
    if found.laboratory.is_empty() {
        return html! {};
    }
    let (drawn, single): (Vec<&Series>, Vec<&Series>) =
        found.laboratory.iter().partition(|series| {
            series
                .values
                .iter()
                .filter(|value| value.number.is_some())
                .count()
                > 1
        });
    let (first, rest) = drawn.split_at(drawn.len().min(CHARTS));
    html! {
        section .panel #laboratory {
            h2 { (page.say(text::LAB_CHARTS)) }
            p .quiet { (page.say(text::LAB_CHARTS_HINT)) }
            table .tests { tbody {
                @for series in first { (test(page, &found.patient.id, series)) }
            } }
            @if !rest.is_empty() || !single.is_empty() {
                details {
                    summary { (page.say(text::MORE_TESTS)) " " (rest.len() + single.len()) }
                    table .tests { tbody {
                        @for series in rest { (test(page, &found.patient.id, series)) }
                        @for series in single { (test(page, &found.patient.id, series)) }
                    } }
                }
            }
        }
    }
}

fn test(page: &Page, id: &str, series: &Series) -> Markup {
    let Some(last) = series.values.last() else {
        return html! {};
    };
    html! {
        tr {
            th scope="row" { (series.name) small .quiet { (range(last)) } }
            td { @if let Some(drawn) = charts::sparkline(series) { (drawn) } }
            td .last { a href=(opened(id, &last.key)) { b { (last.shown) } " " small { (series.unit) } }
                (flag(page, last.flag))
                small .quiet { (last.moment.date()) } }
        }
    }
}

fn range(value: &observation::Value) -> String {
    match (value.low, value.high) {
        (Some(low), Some(high)) => format!("{low}–{high}"),
        (Some(low), None) => format!("≥ {low}"),
        (None, Some(high)) => format!("≤ {high}"),
        (None, None) => String::new(),
    }
}

/// Medicines shown without being asked.
const COURSES: usize = 12;

fn medicines(page: &Page, found: &Timeline) -> Markup {
    let spans = || found.courses.iter().flat_map(|course| &course.spans);
    let (Some(from), Some(to)) = (
        spans().map(|span| span.0).min(),
        spans().map(|span| span.1).max(),
    ) else {
        return html! {};
    };
    // Two years are enough to see what is taken now.
    let from = from.max(to - 730);
    let (first, rest) = found.courses.split_at(found.courses.len().min(COURSES));
    let row = |course: &timeline::Course| {
        html! {
            tr {
                th scope="row" { a href=(opened(&found.patient.id, &course.key)) { (course.name) } small .quiet { (course.dose) } }
                td { (charts::course(course, from, to)) }
            }
        }
    };
    html! {
        section .panel #medicines {
            h2 { (page.say(text::MEDICINES_OVER_TIME)) }
            table .courses {
                thead { tr { th { } td .scale { span { (date_of(from)) } span { (date_of(to)) } } } }
                tbody { @for course in first { (row(course)) } }
            }
            @if !rest.is_empty() {
                details { summary { (page.say(text::MORE_KINDS)) " " (rest.len()) }
                    table .courses { tbody { @for course in rest { (row(course)) } } } }
            }
        }
    }
}

fn genome(page: &Page, found: &Timeline) -> Markup {
    if found.genome.is_empty() && found.findings.is_empty() {
        return html! {};
    }
    let id = &found.patient.id;
    html! {
        section .panel #genome {
            h2 { (page.say(text::GENOME)) }
            ul .plain {
                @for file in &found.genome {
                    li {
                        @if file.variants { a href={ "/patients/" (id) "/variants/" (file.key.id) } { (file.title) " – " (page.say(text::VARIANTS)) } }
                        @else { a href=(opened(id, &file.key)) { (file.title) } }
                        @if let Some(detail) = &file.detail { " " small .quiet { (detail) } }
                    }
                }
            }
            @if !found.findings.is_empty() {
                ul .values {
                    @for finding in &found.findings {
                        li { a href=(opened(id, &finding.key)) { b { (finding.title) } " " small { (finding.detail.join(" · ")) } } }
                    }
                }
            }
        }
    }
}
