//! What is prepared on a connection.

use std::collections::HashMap;

use tokio_postgres::Statement;

/// How many statements stay prepared on a connection: each takes memory of its server
/// process.
const MOST: usize = 128;

/// Statements by their text. The one that was not used for longest makes room.
#[derive(Default)]
pub(super) struct Statements {
    all: HashMap<String, (Statement, u64)>,
    uses: u64,
}

impl Statements {
    pub(super) fn get(&mut self, text: &str) -> Option<Statement> {
        let (statement, used) = self.all.get_mut(text)?;
        self.uses += 1;
        *used = self.uses;
        Some(statement.clone())
    }

    pub(super) fn put(&mut self, text: &str, statement: &Statement) {
        if self.all.len() >= MOST {
            let oldest = self.all.iter().min_by_key(|(_, (_, used))| *used);
            let oldest = oldest.map(|(text, _)| text.clone());
            oldest.and_then(|text| self.all.remove(&text));
        }
        self.uses += 1;
        self.all
            .insert(text.to_owned(), (statement.clone(), self.uses));
    }

    pub(super) fn forget(&mut self) {
        self.all.clear();
    }
}
