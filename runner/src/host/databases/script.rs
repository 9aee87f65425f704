//! Databases that answer by a script: for `runner test`, which has none.

use std::sync::{Mutex, PoisonError};

use runner_sql::{Error, How, Kind, Rows, Statement};

use crate::config::Pattern;

/// What the databases of a trial answer, and what they were asked.
#[derive(Debug, Default)]
pub struct Script {
    answers: Mutex<Vec<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

/// An answer, given once.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The database it is for; any if there is none.
    pub database: Option<String>,
    /// The text of the statement it is for.
    pub text: Pattern,
    /// The rows, or the kind of the error.
    pub result: Result<Rows, Kind>,
}

/// A statement that was run.
#[derive(Debug, Clone)]
pub struct Asked {
    /// In which database.
    pub database: String,
    /// The statement.
    pub statement: Statement,
}

impl Script {
    /// One with these answers: of those that fit, the first that is left is given.
    pub fn new(answers: Vec<Answer>) -> Script {
        Script {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        }
    }

    /// What was asked since the last call, in its order.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answer as a database would.
    pub(super) fn run(
        &self,
        database: &str,
        statements: Vec<Statement>,
        how: How,
    ) -> Result<Vec<Rows>, Error> {
        let mut all = Vec::with_capacity(statements.len());
        for (index, statement) in statements.into_iter().enumerate() {
            let index = (how == How::Transaction).then_some(index as u32);
            let at = |error: Error| Error {
                statement: index,
                message: format!("{database}: {}", error.message),
                ..error
            };
            let expect = statement.expect;
            let rows = self.answer(database, statement).map_err(at)?;
            if let Some(expected) = expect.filter(|expected| *expected != rows.affected) {
                let (had, kind) = (rows.affected, Kind::Expectation);
                let message = format!("the statement had {had} rows and expects {expected}");
                return Err(at(Error::new(kind, message)));
            }
            all.push(rows);
        }
        Ok(all)
    }

    fn answer(&self, database: &str, statement: Statement) -> Result<Rows, Error> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |answer: &Answer| {
            let named = answer.database.as_deref();
            named.is_none_or(|name| name == database) && answer.text.matches(&statement.text)
        };
        let found = answers.iter().position(fits);
        let text = statement.text.clone();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(Asked {
            database: database.to_owned(),
            statement,
        });
        let Some(found) = found else {
            let message = format!("the case has no answer (left) for {text:?}");
            return Err(Error::new(Kind::Failed, message));
        };
        let answer = answers.remove(found);
        answer
            .result
            .map_err(|kind| Error::new(kind, "so the case says".to_owned()))
    }
}
