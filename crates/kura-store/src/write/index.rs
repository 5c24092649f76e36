//! Index entries as rows.

use kura_model::Result;

use super::{Rows, Writer};
use crate::query::GROUP_BITS;
use crate::symbol::Table;
use crate::{IndexEntry, IndexValue};

impl Writer {
    pub(super) fn index(&mut self, entry: &IndexEntry, pk: i64, rows: &mut Rows) -> Result<()> {
        let param = self
            .symbols
            .number(&self.connection, Table::Param, entry.param)?;
        self.index_value(param, &entry.value, pk, rows)
    }

    fn index_value(
        &mut self,
        param: i64,
        value: &IndexValue,
        pk: i64,
        rows: &mut Rows,
    ) -> Result<()> {
        let mut number = |table: Table, name: &Option<String>| match name {
            Some(name) => self.symbols.number(&self.connection, table, name),
            None => Ok(0),
        };
        match value {
            IndexValue::Token { system, code } => {
                rows.token
                    .push((param, code.clone(), number(Table::System, system)?, pk));
            }
            IndexValue::Text(value) => rows.text.push((param, value.clone(), pk)),
            IndexValue::Date { low, high } => rows.date.push((param, *low, *high, pk)),
            IndexValue::Number(value) => rows.number.push((param, *value, pk)),
            IndexValue::Quantity {
                value,
                system,
                code,
            } => rows.quantity.push((
                param,
                code.clone().unwrap_or_default(),
                *value,
                number(Table::System, system)?,
                pk,
            )),
            IndexValue::Term(value) => {
                let term = self.symbols.number(&self.connection, Table::Term, value)?;
                rows.term.push((param, term, pk));
            }
            IndexValue::Reference(target) => {
                let kind = self
                    .symbols
                    .number(&self.connection, Table::Kind, &target.kind)?;
                let eid = self.entity(kind, &target.id, rows)?.eid;
                rows.reference.push((param, eid, pk));
            }
            IndexValue::Member { group, value } => {
                let group = i64::from(*group).min((1 << GROUP_BITS) - 1);
                self.index_value(param, value, pk << GROUP_BITS | group, rows)?;
            }
        }
        Ok(())
    }
}
