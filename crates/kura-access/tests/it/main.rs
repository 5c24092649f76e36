//! The policy that is shipped, and policies that cannot be used.

use std::fmt::Write;

use kura_access::{Action, Asked, Policy, PolicyError, Relation, Relations};
use kura_model::{PurposeOfUse, Role};

fn shipped() -> Policy {
    Policy::shipped().expect("the shipped policy")
}

fn asked(role: Role, purpose: PurposeOfUse, action: Action, relations: Relations) -> Asked {
    Asked {
        role,
        purpose,
        second_factor: true,
        second_factor_needed: true,
        action,
        relations,
    }
}

/// A line for each role and for each thing it may do.
fn table(policy: &Policy) -> String {
    let mut out = String::new();
    let mut role = None;
    for row in policy.table() {
        if role != Some(row.role) {
            let _ = writeln!(out, "{} ({})", row.role, row.role.purpose().code());
            role = Some(row.role);
        }
        let _ = writeln!(out, "  {}: {}", row.action, row.whose());
    }
    out
}

#[test]
fn who_may_do_what() {
    let table = table(&shipped());
    let golden = include_str!("who-may-do-what.txt");
    assert_eq!(
        table, golden,
        "the policy and the table that was agreed on differ; if the policy is right, write the table anew:\n{table}"
    );
}

#[test]
fn what_is_remembered_is_what_cedar_said() {
    let policy = shipped();
    for role in Role::ALL {
        for action in Action::ALL {
            for relation in Relation::ALL {
                for purpose in [PurposeOfUse::Emergency, PurposeOfUse::Research] {
                    let asked = asked(role, purpose, *action, relation.into());
                    let said = policy.ask(&asked).expect("an answer");
                    assert_eq!(policy.decide(asked), said);
                    assert_eq!(policy.decide(asked), said);
                }
            }
        }
    }
}

#[test]
fn where_two_factors_are_needed_one_is_nothing() {
    let policy = shipped();
    for role in Role::ALL {
        for action in Action::ALL {
            let all: Relations = Relation::ALL.into_iter().collect();
            let one_factor = Asked {
                second_factor: false,
                ..asked(role, role.purpose(), *action, all)
            };
            let decision = policy.decide(one_factor);
            assert!(!decision.allowed, "{role} {action}");
            assert!(decision.rules.iter().any(|rule| rule == "second-factor"));
            let not_needed = Asked {
                second_factor_needed: false,
                ..one_factor
            };
            let both = asked(role, role.purpose(), *action, all);
            assert_eq!(policy.decide(not_needed), policy.decide(both));
        }
    }
}

#[test]
fn a_decision_names_its_rules() {
    let policy = shipped();
    let treated = asked(
        Role::Doctor,
        PurposeOfUse::Treatment,
        Action::ReadClinical,
        Relation::Treatment.into(),
    );
    let decision = policy.decide(treated);
    assert!(decision.allowed);
    assert_eq!(&*decision.rules, ["doctor-treatment"]);
    let nothing_speaks = policy.decide(Asked {
        relations: Relations::NONE,
        ..treated
    });
    assert!(!nothing_speaks.allowed && nothing_speaks.rules.is_empty());
    // Forbidden, although a rule permits it.
    let for_research = policy.decide(Asked {
        purpose: PurposeOfUse::Research,
        action: Action::WriteClinical,
        ..treated
    });
    assert!(!for_research.allowed);
    assert_eq!(&*for_research.rules, ["research-writes-nothing"]);
}

#[test]
fn each_rule_speaks_both_languages_and_names_its_source() {
    let rules = shipped().rules();
    assert!(rules.len() > 10);
    for rule in &rules {
        assert!(
            rule.ja.chars().any(|letter| letter > '\u{3000}'),
            "{}",
            rule.id
        );
        assert!(rule.en.is_ascii(), "{}", rule.id);
        assert!(!rule.source.is_empty() && rule.text.contains(&rule.id));
    }
    assert!(rules.iter().any(|rule| !rule.permits));
}

#[test]
fn what_cannot_be_used_says_where_and_why() {
    let rule = |body: &str| format!("@id(\"r\") @en(\"e\") @ja(\"あ\") @source(\"s\") {body}");
    let refused = |text: &str| Policy::read(text).expect_err("no policy");
    assert!(matches!(
        refused("permit (principal"),
        PolicyError::Syntax(_)
    ));
    let unknown = refused(&rule(
        "permit (principal, action == Action::\"delete-everything\", resource);",
    ));
    assert!(
        matches!(&unknown, PolicyError::Schema(why) if why.contains("delete-everything")),
        "{unknown}"
    );
    // A fact that an action of the bank does not have.
    assert!(matches!(
        refused(&rule(
            "permit (principal, action == Action::\"import\", resource) when { context.treatment };"
        )),
        PolicyError::Schema(_)
    ));
    assert!(matches!(
        refused(
            "@id(\"r\") @en(\"e\") @ja(\"あ\") permit (principal, action == Action::\"import\", resource);"
        ),
        PolicyError::Annotation("source", _)
    ));
    let twice = rule("permit (principal, action == Action::\"import\", resource);");
    assert!(matches!(
        refused(&format!("{twice}\n{twice}")),
        PolicyError::Twice(id) if id == "r"
    ));
}

#[test]
fn without_a_rule_nobody_may_do_anything() {
    let policy = Policy::read("").expect("an empty policy");
    for role in Role::ALL {
        for action in Action::ALL {
            let all: Relations = Relation::ALL.into_iter().collect();
            assert!(
                !policy
                    .decide(asked(role, PurposeOfUse::Treatment, *action, all))
                    .allowed
            );
        }
    }
}
