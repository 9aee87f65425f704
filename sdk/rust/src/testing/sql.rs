//! A database that answers by a script.

use std::collections::VecDeque;

use super::Host;
use crate::sql::{Error, Kind, Value};

/// What the database was told and what it was asked.
#[derive(Default)]
pub(super) struct State {
    expected: VecDeque<Expected>,
    asked: Vec<Asked>,
}

struct Expected {
    database: String,
    part: String,
    outcome: Outcome,
}

/// What a statement comes to.
#[derive(Debug, Clone)]
pub struct Outcome(Result<Answer, Error>);

#[derive(Debug, Clone)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    affected: u64,
}

/// A statement that was run.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The name of the database.
    pub database: String,
    /// The text, as it was given.
    pub text: String,
    /// The parameters.
    pub parameters: Vec<Value>,
    /// How many rows it had to return or change.
    pub expect: Option<u64>,
    /// Its place in its transaction, from 0; `None` if it was run by itself.
    pub place: Option<usize>,
}

impl Outcome {
    /// Rows, each with a value for each column.
    ///
    /// ```
    /// use runner_sdk::sql::params;
    /// use runner_sdk::testing::Outcome;
    ///
    /// Outcome::rows(["id", "name"], [params![1, "Ada"], params![2, "Bob"]]);
    /// ```
    ///
    /// # Panics
    /// When a row has more or fewer values than there are columns.
    pub fn rows<'a>(
        columns: impl IntoIterator<Item = &'a str>,
        rows: impl IntoIterator<Item = Vec<Value>>,
    ) -> Self {
        let columns: Vec<_> = columns.into_iter().map(str::to_owned).collect();
        let rows: Vec<_> = rows.into_iter().collect();
        for row in &rows {
            assert_eq!(
                row.len(),
                columns.len(),
                "a value for each column of {columns:?}"
            );
        }
        let affected = rows.len() as u64;
        Outcome(Ok(Answer {
            columns,
            rows,
            affected,
        }))
    }

    /// So many rows were changed, and none returned.
    pub fn changed(rows: u64) -> Self {
        Outcome(Ok(Answer {
            columns: Vec::new(),
            rows: Vec::new(),
            affected: rows,
        }))
    }

    /// An error.
    pub fn error(error: Error) -> Self {
        Outcome(Err(error))
    }
}

impl Host {
    /// Expect a statement that contains `part`, and what it comes to. How text is broken
    /// into lines and indented makes no difference. Of several expectations that a
    /// statement meets, the first is taken; each is met once.
    ///
    /// ```
    /// use runner_sdk::sql::{self, params};
    /// use runner_sdk::testing::{Host, Outcome};
    ///
    /// let host = Host::new();
    /// host.statement("main", "from users", Outcome::rows(["name"], [params!["Ada"]]));
    /// let rows = sql::query("main", "select name from users where id = $1", params![1]).unwrap();
    /// assert_eq!(rows.one::<String>().unwrap(), "Ada");
    /// assert_eq!(host.statements()[0].parameters, params![1]);
    /// ```
    pub fn statement(&self, database: &str, part: &str, outcome: Outcome) {
        self.0.borrow_mut().sql.expected.push_back(Expected {
            database: database.into(),
            part: part.into(),
            outcome,
        });
    }

    /// The statements run so far, also those that failed.
    pub fn statements(&self) -> Vec<Asked> {
        self.0.borrow().sql.asked.clone()
    }
}

impl State {
    /// What was expected and not run.
    pub(super) fn unrun(&self) -> Vec<String> {
        self.expected.iter().map(Expected::told).collect()
    }

    fn run(&mut self, asked: Asked) -> Result<Answer, Error> {
        let text = spaced(&asked.text);
        let met = |of: &Expected| of.database == asked.database && text.contains(&spaced(&of.part));
        let Some(at) = self.expected.iter().position(met) else {
            panic!(
                "no outcome for the statement on \"{}\": {text}; expected: {:?}",
                asked.database,
                self.unrun()
            );
        };
        let outcome = self.expected.remove(at).map(|of| of.outcome);
        let statement = asked.place.and_then(|place| u32::try_from(place).ok());
        let expect = asked.expect;
        self.asked.push(asked);
        let Some(Outcome(outcome)) = outcome else {
            unreachable!("it was found")
        };
        let placed = |mut error: Error| {
            error.statement = error.statement.or(statement);
            error
        };
        let answer = outcome.map_err(placed)?;
        match expect {
            Some(expect) if expect != answer.affected => Err(placed(Error::new(
                Kind::Expectation,
                format!(
                    "the statement had {} rows instead of {expect}",
                    answer.affected
                ),
            ))),
            _ => Ok(answer),
        }
    }
}

impl Expected {
    fn told(&self) -> String {
        format!("{}: {}", self.database, self.part)
    }
}

/// Text with one space wherever there is white space.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) mod imports {
    use super::{Answer, Asked};
    use crate::bindings::runner::plugin::sql as wit;
    use crate::sql::Error;
    use crate::testing::imports::with;

    pub(crate) fn query(
        database: &str,
        statement: &wit::Statement,
        _: Option<u32>,
    ) -> Result<wit::Rows, Error> {
        run(database, statement, None).map(rows)
    }

    pub(crate) fn execute(
        database: &str,
        statement: &wit::Statement,
        _: Option<u32>,
    ) -> Result<u64, Error> {
        Ok(run(database, statement, None)?.affected)
    }

    pub(crate) fn transaction(
        database: &str,
        statements: &[wit::Statement],
        _: Option<u32>,
    ) -> Result<Vec<wit::Rows>, Error> {
        let statements = statements.iter().enumerate();
        statements
            .map(|(place, statement)| run(database, statement, Some(place)).map(rows))
            .collect()
    }

    fn run(
        database: &str,
        statement: &wit::Statement,
        place: Option<usize>,
    ) -> Result<Answer, Error> {
        let parameters = statement.parameters.iter().cloned();
        let asked = Asked {
            database: database.into(),
            text: statement.text.clone(),
            parameters: parameters.map(Into::into).collect(),
            expect: statement.expect,
            place,
        };
        with(|state| state.sql.run(asked))
    }

    fn rows(answer: Answer) -> wit::Rows {
        let column = |name| wit::Column {
            name,
            kind: String::new(),
        };
        let values = |row: Vec<crate::sql::Value>| row.into_iter().map(Into::into).collect();
        wit::Rows {
            columns: answer.columns.into_iter().map(column).collect(),
            rows: answer.rows.into_iter().map(values).collect(),
            affected: answer.affected,
        }
    }
}
