use kura_model::{PurposeOfUse, Role};

use crate::{Action, Asked, Policy, Relation, Relations};

/// What a role may do, and to whose records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub role: Role,
    pub action: Action,
    /// To the bank, or to any patient in it.
    pub any: bool,
    /// Else what the person has to be to the patient, each of which is enough; and whether it has
    /// to be asked for as an emergency.
    pub relations: Vec<(Relation, bool)>,
}

impl Row {
    /// `any`, or the relations.
    pub fn whose(&self) -> String {
        if self.any {
            return "any".to_owned();
        }
        let all: Vec<String> = self
            .relations
            .iter()
            .map(|(relation, urgent)| match urgent {
                true => format!("{relation} ({})", PurposeOfUse::Emergency.code()),
                false => relation.to_string(),
            })
            .collect();
        all.join(", ")
    }
}

impl Policy {
    /// What each role may do for its usual purpose, with two factors. What it may not do has no
    /// row.
    pub fn table(&self) -> Vec<Row> {
        let machines = [Role::DicomPeer, Role::DicomReader, Role::SingleUser];
        let mut rows = Vec::new();
        for role in Role::ALL.into_iter().chain(machines) {
            for action in Action::ALL {
                let may = |purpose, relations| {
                    self.decide(Asked {
                        role,
                        purpose,
                        second_factor: true,
                        second_factor_needed: true,
                        action: *action,
                        relations,
                    })
                    .allowed
                };
                let usual = role.purpose();
                let any = may(usual, Relations::NONE);
                let mut relations = Vec::new();
                if !any && action.is_of_a_patient() {
                    for relation in Relation::ALL {
                        if may(usual, relation.into()) {
                            relations.push((relation, false));
                        } else if may(PurposeOfUse::Emergency, relation.into()) {
                            relations.push((relation, true));
                        }
                    }
                }
                if any || !relations.is_empty() {
                    rows.push(Row {
                        role,
                        action: *action,
                        any,
                        relations,
                    });
                }
            }
        }
        rows
    }
}
