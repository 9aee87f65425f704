//! A cheap look at a statement's text: what it begins with, and whether it can leave
//! something behind on its connection. What cannot be told counts as if it could.

mod lexer;

use self::lexer::{Lexer, Token};
use crate::error::{Error, Kind};
use crate::settings::Server;

/// What can be told of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Its first word in small letters.
    pub(crate) first: String,
    /// It changes nothing of the session: no setting, lock, temporary table or transaction.
    pub(crate) plain: bool,
    /// It changes no data either.
    pub(crate) reads: bool,
    /// It can return rows.
    pub(crate) returns: bool,
}

impl Look {
    /// It reads or changes rows, and ends no transaction.
    pub(crate) fn of_rows(&self) -> bool {
        PLAIN.contains(&self.first.as_str())
    }
}

/// Statements of a session, which is not the job's, and what to do instead.
const TRANSACTION: &[&str] = &[
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
    "release",
    "xa",
];
const POSTGRES: &[&str] = &[
    "prepare",
    "execute",
    "deallocate",
    "copy",
    "listen",
    "unlisten",
    "declare",
    "fetch",
    "move",
    "close",
    "discard",
    "load",
];
const MYSQL: &[&str] = &[
    "prepare",
    "execute",
    "deallocate",
    "use",
    "lock",
    "unlock",
    "load",
    "handler",
];
const SQLITE: &[&str] = &["attach", "detach", "pragma", "vacuum"];

/// What may begin a statement that only reads.
const READING: &[&str] = &[
    "select", "with", "values", "table", "show", "explain", "describe", "desc",
];

/// What begins a statement that changes nothing of the session, unless a function does.
const PLAIN: &[&str] = &[
    "select", "insert", "update", "delete", "with", "values", "table", "merge", "replace",
];

/// Statements that commit by themselves in MySQL, or might: all but these.
const MYSQL_WITHIN: &[&str] = &[
    "select", "insert", "update", "delete", "replace", "with", "values", "table", "do", "show",
    "explain",
];

/// What may stand before `(` in a plain statement: words of SQL, and functions that change
/// nothing.
const HARMLESS: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array",
    "array_agg",
    "as",
    "avg",
    "between",
    "bit",
    "by",
    "case",
    "cast",
    "ceil",
    "ceiling",
    "char",
    "char_length",
    "character",
    "clock_timestamp",
    "coalesce",
    "concat",
    "concat_ws",
    "conflict",
    "count",
    "date",
    "date_part",
    "date_trunc",
    "datetime",
    "decimal",
    "decode",
    "dense_rank",
    "distinct",
    "else",
    "encode",
    "except",
    "exists",
    "extract",
    "filter",
    "first_value",
    "floor",
    "from",
    "gen_random_uuid",
    "generate_series",
    "greatest",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "in",
    "instr",
    "intersect",
    "interval",
    "is",
    "join",
    "json_agg",
    "json_array",
    "json_build_object",
    "json_extract",
    "json_object",
    "jsonb_agg",
    "jsonb_build_object",
    "julianday",
    "lag",
    "last_value",
    "lateral",
    "lead",
    "least",
    "left",
    "length",
    "like",
    "limit",
    "lower",
    "ltrim",
    "materialized",
    "max",
    "md5",
    "min",
    "mod",
    "not",
    "now",
    "ntile",
    "nullif",
    "numeric",
    "octet_length",
    "on",
    "or",
    "over",
    "pg_sleep",
    "position",
    "random",
    "rank",
    "replace",
    "returning",
    "right",
    "round",
    "row",
    "row_number",
    "rtrim",
    "select",
    "set",
    "sleep",
    "some",
    "strftime",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "sum",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "to_char",
    "to_date",
    "to_timestamp",
    "trim",
    "trunc",
    "typeof",
    "union",
    "unix_timestamp",
    "unnest",
    "upper",
    "using",
    "values",
    "varbinary",
    "varchar",
    "varying",
    "when",
    "where",
    "with",
    "within",
];

/// Words before `into` where it names the table to write to, not one to make.
const INTO: &[&str] = &[
    "insert",
    "replace",
    "merge",
    "ignore",
    "abort",
    "fail",
    "rollback",
    "low_priority",
    "delayed",
    "high_priority",
];

// Long because each kind of token has its arm.
/// Look at a statement.
pub(crate) fn look(server: Server, text: &str) -> Look {
    let mut look = Look {
        first: String::new(),
        plain: true,
        reads: true,
        returns: false,
    };
    // The word before, whether that stands behind a dot, and where the name of a table
    // after `into` has got to.
    let mut before = String::new();
    let mut member = false;
    let mut dot = false;
    let mut name = Name::None;
    for token in (Lexer {
        server,
        text,
        at: 0,
    }) {
        match token {
            Token::Word(word) => {
                let word = word.to_ascii_lowercase();
                if look.first.is_empty() {
                    look.first.clone_from(&word);
                }
                name = name.word(dot);
                match word.as_str() {
                    "into" if INTO.contains(&before.as_str()) => name = Name::Next,
                    "into" => look.plain = false,
                    "insert" | "update" | "delete" | "merge" | "replace" | "truncate" => {
                        look.reads = false;
                    }
                    "returning" => look.returns = true,
                    _ => {}
                }
                (before, member, dot) = (word, dot, false);
            }
            Token::Quoted => {
                name = name.word(dot);
                (before, member, dot) = ("\"".to_owned(), dot, false);
            }
            Token::Symbol('.') => dot = true,
            Token::Symbol('(') => {
                // No function of SQLite leaves anything.
                let called = !before.is_empty() && name != Name::Here && server != Server::Sqlite;
                look.plain &= !called || (!member && HARMLESS.contains(&before.as_str()));
                name = Name::None;
                before.clear();
            }
            Token::Symbol(symbol) => {
                look.plain &= symbol != '@';
                name = Name::None;
                dot = false;
                before.clear();
            }
            Token::Unclear => look.plain = false,
        }
    }
    look.plain &= look.of_rows();
    look.returns |= READING.contains(&look.first.as_str());
    look.reads &= look.plain && READING.contains(&look.first.as_str());
    look
}

/// Where the name of a table after `into` has got to.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    None,
    Next,
    Here,
}

impl Name {
    /// After one more word, which follows a dot or does not.
    fn word(self, dot: bool) -> Name {
        match (self, dot) {
            (Name::Next, _) | (Name::Here, true) => Name::Here,
            _ => Name::None,
        }
    }
}

/// Whether a statement may be sent.
pub(crate) fn check(
    server: Server,
    look: &Look,
    readonly: bool,
    transaction: bool,
) -> Result<(), Error> {
    let first = look.first.as_str();
    if first.is_empty() {
        return Err(Error::invalid("the statement is empty"));
    }
    if TRANSACTION.contains(&first) {
        return Err(Error::invalid(format!(
            "`{first}` is not taken as a statement: hand all statements of a transaction to \
             `transaction`, which begins and commits it"
        )));
    }
    let session = match server {
        Server::Postgres => POSTGRES,
        Server::Mysql => MYSQL,
        Server::Sqlite => SQLITE,
    };
    if session.contains(&first) {
        return Err(Error::invalid(format!(
            "`{first}` is not taken as a statement: a job has a connection only while a call lasts"
        )));
    }
    if readonly && !READING.contains(&first) {
        return Err(Error::new(
            Kind::Denied,
            format!("`{first}` may change something, and the database is granted for reading only"),
        ));
    }
    if server == Server::Mysql && transaction && !MYSQL_WITHIN.contains(&first) {
        return Err(Error::invalid(format!(
            "`{first}` may commit by itself in MySQL, so it cannot be a part of a transaction: run \
             it alone with `execute`"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_leave_something_behind_is_told() {
        use Server::{Mysql, Postgres, Sqlite};
        let plain = [
            (Postgres, "select * from t where id = $1 and x in (1, 2)"),
            (
                Postgres,
                "insert into s.t (a, b) values ($1, now()) returning id",
            ),
            (Postgres, "UPDATE t SET a = coalesce(a, 'x(y)') -- f(x)\n"),
            (
                Postgres,
                "insert into \"t\" (a) values (1) on conflict (a) do nothing",
            ),
            (Postgres, "select $$ set_config() $$, $a$ f( $a$"),
            (Mysql, "replace into `t` (a) values (?) # x(1)"),
            (Sqlite, "insert or ignore into [t] (a) values (?)"),
        ];
        for (server, text) in plain {
            assert!(look(server, text).plain, "{text}");
        }
        let not = [
            (Postgres, "select set_config('a.b', $1, false)"),
            (
                Postgres,
                "insert into t select set_config('a.b', 'c', false)",
            ),
            (Postgres, "select evil.now()"),
            (Postgres, "select \"f\"()"),
            (Postgres, "select 1 into temp x"),
            (Postgres, "select 'a\\' , pg_advisory_lock(1) , '"),
            (Postgres, "select /* /* */ pg_advisory_lock(1) */ 1"),
            (Postgres, "create temp table x (a int)"),
            (Postgres, "set a.b = 'c'"),
            (Postgres, "do $$ begin perform f(); end $$"),
            (Postgres, "select 'never ends"),
            (Mysql, "select @a := 1"),
            (Mysql, "select /*!50000 get_lock('a', 1) */"),
            (Mysql, "select get_lock('a', 1)"),
            (Mysql, "select 1--1, get_lock('a', 1)"),
        ];
        for (server, text) in not {
            assert!(!look(server, text).plain, "{text}");
        }
    }

    #[test]
    fn what_only_reads_is_told() {
        let reads = |text| look(Server::Postgres, text).reads;
        assert!(reads("(select 1) union (select 2)"));
        assert!(reads("with a as (select 1) select * from a"));
        assert!(!reads(
            "with a as (delete from t returning 1) select * from a"
        ));
        assert!(!reads("insert into t values (1)"));
        assert!(!reads("select f(x) from t"));
    }

    #[test]
    fn statements_of_a_session_are_refused_with_the_way_out() {
        let refused = |server, text, readonly, transaction| {
            let look = look(server, text);
            check(server, &look, readonly, transaction)
                .unwrap_err()
                .message
        };
        assert_eq!(
            refused(Server::Postgres, " /* x */ BEGIN", false, false),
            "`begin` is not taken as a statement: hand all statements of a transaction to \
             `transaction`, which begins and commits it"
        );
        assert_eq!(
            refused(Server::Postgres, "listen a", false, false),
            "`listen` is not taken as a statement: a job has a connection only while a call lasts"
        );
        assert_eq!(
            refused(Server::Sqlite, "attach 'x' as y", false, false),
            "`attach` is not taken as a statement: a job has a connection only while a call lasts"
        );
        assert_eq!(
            refused(Server::Postgres, "delete from t", true, false),
            "`delete` may change something, and the database is granted for reading only"
        );
        assert_eq!(
            refused(Server::Mysql, "create table t (a int)", false, true),
            "`create` may commit by itself in MySQL, so it cannot be a part of a transaction: run \
             it alone with `execute`"
        );
        assert_eq!(
            refused(Server::Mysql, " -- nothing", false, true),
            "the statement is empty"
        );
    }
}
