//! Who a provision names, and whether it is who asks.
//! FHIR R4 consent-definitions.html#Consent.provision.actor

use crate::criteria::{Asked, Code, Match, has_code};
use crate::reference::Target;

#[derive(Debug, Clone)]
pub(crate) struct ActorCriterion {
    pub(crate) target: Target,
    /// Any of these roles; none if the element only says who receives.
    pub(crate) roles: Vec<Code>,
}

impl ActorCriterion {
    pub(crate) fn held(&self, asked: &Asked) -> Match {
        let actor = &asked.question.actor;
        let by_identifier = actor
            .identifiers
            .iter()
            .any(|own| self.target.has_identifier(own.system, own.code));
        let who = if by_identifier {
            Match::Yes
        } else {
            match self.target.is_among(Some(actor.references), asked.bases) {
                // Who belongs to a team or a group, the asker may not have been told.
                Match::No if matches!(self.target.resource_type(), Some("Group" | "CareTeam")) => {
                    Match::Unknown
                }
                who => who,
            }
        };
        if who == Match::No || self.roles.is_empty() {
            return who;
        }
        let role = Match::any(self.roles.iter().map(|named| match named {
            Some((system, code)) if has_code(actor.roles, system, code) => Match::Yes,
            // Told what he is in these words, and it is not this.
            Some((system, _)) if actor.roles.iter().any(|own| own.system == &**system) => Match::No,
            _ => Match::Unknown,
        }));
        match (who, role) {
            (_, Match::No) => Match::No,
            (Match::Yes, Match::Yes) => Match::Yes,
            _ => Match::Unknown,
        }
    }

    /// A person is narrower than a group or an organisation, a role narrower than none.
    pub(crate) fn rank(&self, asked: &Asked) -> u8 {
        if self.held(asked) == Match::No {
            return 1;
        }
        let crowd = matches!(
            self.target.resource_type(),
            Some("Organization" | "Group" | "CareTeam")
        );
        (if crowd { 2 } else { 4 }) + u8::from(!self.roles.is_empty())
    }
}
