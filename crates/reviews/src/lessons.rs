//! The training library: good and bad examples, handed out to agents, seen and signed.

use rusqlite::{OptionalExtension, Row, params};

use crate::db::Db;
use crate::error::{Invalid, ReviewsError};
use crate::receipts::Parts;

/// An example to be entered.
#[derive(Debug, Clone)]
pub struct NewLesson {
    /// Call.
    pub call_id: String,
    /// From and to in the call, milliseconds.
    pub span_ms: (i64, i64),
    /// How it is done; else how it is not.
    pub good: bool,
    /// What it shows.
    pub title: String,
    /// Words with blanks between.
    pub tags: String,
    /// What to learn from it.
    pub note: String,
    /// Who.
    pub user_id: i64,
    /// When.
    pub at_us: i64,
}

/// An example of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Row.
    pub id: i64,
    /// Call.
    pub call_id: String,
    /// From and to in the call, milliseconds.
    pub span_ms: (i64, i64),
    /// How it is done; else how it is not.
    pub good: bool,
    /// What it shows.
    pub title: String,
    /// Words with blanks between.
    pub tags: String,
    /// What to learn from it.
    pub note: String,
    /// Who entered it, by display name.
    pub by: String,
    /// When.
    pub at_us: i64,
    /// Agents who got it, and those of them who signed it.
    pub agents: i64,
    /// Those of them who signed it.
    pub signed: i64,
}

/// An example that an agent got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// The example.
    pub lesson: Lesson,
    /// When the agent got it.
    pub at_us: i64,
    /// When the agent signed it.
    pub signed_us: Option<i64>,
}

const PARTS: Parts = Parts { key: "lesson_id", agents: "lesson_agents", receipts: "lesson_receipts", what: "lesson" };
const COLUMNS: &str = "l.id, l.call_id, l.start_ms, l.end_ms, l.good, l.title, l.tags, l.note, u.display, l.at_us,
    (SELECT count(*) FROM lesson_agents a WHERE a.lesson_id = l.id),
    (SELECT count(*) FROM lesson_receipts r WHERE r.lesson_id = l.id)";
const STANDING: &str = "NOT EXISTS (SELECT 1 FROM lesson_ends e WHERE e.lesson_id = l.id)";

fn from_row(r: &Row<'_>) -> rusqlite::Result<Lesson> {
    Ok(Lesson {
        id: r.get(0)?,
        call_id: r.get(1)?,
        span_ms: (r.get(2)?, r.get(3)?),
        good: r.get(4)?,
        title: r.get(5)?,
        tags: r.get(6)?,
        note: r.get(7)?,
        by: r.get(8)?,
        at_us: r.get(9)?,
        agents: r.get(10)?,
        signed: r.get(11)?,
    })
}

impl Db {
    /// Enters an example.
    ///
    /// # Errors
    /// It has no title, or its stretch is none.
    pub fn add_lesson(&mut self, new: &NewLesson) -> Result<i64, ReviewsError> {
        let (from, to) = new.span_ms;
        if new.title.trim().is_empty() || from < 0 || from >= to {
            return Err(Invalid::Lesson.into());
        }
        let tags = new.tags.split_whitespace().collect::<Vec<_>>().join(" ");
        self.alone(|conn| {
            let sql = "INSERT INTO lessons (call_id, start_ms, end_ms, good, title, tags, note, user_id, at_us)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let n = new;
            conn.execute(
                sql,
                params![n.call_id, from, to, n.good, n.title.trim(), tags, n.note.trim(), n.user_id, n.at_us],
            )?;
            Ok(conn.last_insert_rowid())
        })
    }

    /// Examples that were not withdrawn, the newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn lessons(&self) -> Result<Vec<Lesson>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM lessons l JOIN users u ON u.id = l.user_id WHERE {STANDING} ORDER BY l.id DESC"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Withdraws an example: nobody finds it any more.
    ///
    /// # Errors
    /// There is none of this number.
    pub fn end_lesson(&mut self, id: i64, user_id: i64, now_us: i64) -> Result<(), ReviewsError> {
        self.alone(|conn| {
            let sql = "INSERT INTO lesson_ends (lesson_id, user_id, at_us) SELECT id, ?2, ?3 FROM lessons l
                       WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM lesson_ends e WHERE e.lesson_id = l.id)";
            if conn.execute(sql, params![id, user_id, now_us])? == 1 {
                Ok(())
            } else {
                Err(ReviewsError::Missing("lesson"))
            }
        })
    }

    /// Hands an example out to agents; those who have it keep it. Tells how many got it.
    ///
    /// # Errors
    /// There is none of this number.
    pub fn hand_out(&mut self, id: i64, agents: &[String], user_id: i64, now_us: i64) -> Result<usize, ReviewsError> {
        self.alone(|conn| {
            let known = format!("SELECT 1 FROM lessons l WHERE l.id = ?1 AND {STANDING}");
            conn.query_row(&known, [id], |_| Ok(())).optional()?.ok_or(ReviewsError::Missing("lesson"))?;
            let sql = "INSERT INTO lesson_agents (lesson_id, agent_id, user_id, at_us) SELECT ?1, ?2, ?3, ?4
                       WHERE NOT EXISTS (SELECT 1 FROM lesson_agents WHERE lesson_id = ?1 AND agent_id = ?2)";
            let mut n = 0;
            for agent in agents.iter().filter(|a| !a.is_empty()) {
                n += conn.execute(sql, params![id, agent, user_id, now_us])?;
            }
            Ok(n)
        })
    }

    /// What an agent got, what is not signed first, then the newest.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn lessons_of(&self, agent_id: &str) -> Result<Vec<Handed>, ReviewsError> {
        let sql = format!(
            "SELECT {COLUMNS}, h.at_us, r.at_us FROM lesson_agents h JOIN lessons l ON l.id = h.lesson_id
             JOIN users u ON u.id = l.user_id
             LEFT JOIN lesson_receipts r ON r.lesson_id = h.lesson_id AND r.agent_id = h.agent_id
             WHERE h.agent_id = ?1 AND {STANDING} ORDER BY r.at_us IS NOT NULL, l.id DESC"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement
            .query_map([agent_id], |r| Ok(Handed { lesson: from_row(r)?, at_us: r.get(12)?, signed_us: r.get(13)? }))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// An agent says that an example was seen. Whoever signed it before keeps the first time.
    ///
    /// # Errors
    /// The agent did not get it.
    pub fn sign_lesson(&mut self, id: i64, agent_id: &str, user_id: i64, now_us: i64) -> Result<(), ReviewsError> {
        self.alone(|conn| PARTS.sign(conn, (id, agent_id), user_id, now_us))
    }
}

#[cfg(test)]
mod tests {
    use super::NewLesson;
    use crate::db::tests::centre;
    use crate::holds::Hold;

    #[test]
    fn an_example_is_handed_out_signed_and_withdrawn() {
        let (_dir, mut db) = centre();
        let new = NewLesson {
            call_id: "c1".into(),
            span_ms: (1_000, 5_000),
            good: true,
            title: " 安抚客户 ".into(),
            tags: " 投诉   安抚 ".into(),
            note: String::new(),
            user_id: 2,
            at_us: 1,
        };
        assert!(db.add_lesson(&NewLesson { title: " ".into(), ..new.clone() }).is_err());
        assert!(db.add_lesson(&NewLesson { span_ms: (5, 5), ..new.clone() }).is_err());
        let id = db.add_lesson(&new).unwrap();
        assert_eq!(
            (db.lessons().unwrap()[0].title.as_str(), db.lessons().unwrap()[0].tags.as_str()),
            ("安抚客户", "投诉 安抚")
        );
        assert_eq!(db.holds(9).unwrap().get("c1"), Some(&Hold::Training), "its call stays");
        assert!(db.sign_lesson(id, "8001", 1, 2).is_err(), "not handed out");
        let agents = ["8001".to_owned(), String::new(), "8002".to_owned()];
        assert_eq!((db.hand_out(id, &agents, 4, 2).unwrap(), db.hand_out(id, &agents, 4, 3).unwrap()), (2, 0));
        assert!(db.hand_out(99, &agents, 4, 2).is_err());
        db.sign_lesson(id, "8001", 1, 4).unwrap();
        db.sign_lesson(id, "8001", 1, 5).unwrap();
        assert_eq!(
            (db.lessons_of("8001").unwrap()[0].signed_us, db.lessons_of("8002").unwrap()[0].signed_us),
            (Some(4), None)
        );
        assert_eq!((db.lessons().unwrap()[0].agents, db.lessons().unwrap()[0].signed), (2, 1));
        for forged in ["UPDATE lessons SET good = 0", "DELETE FROM lesson_agents", "DELETE FROM lesson_receipts"] {
            assert!(db.connection().execute(forged, []).is_err(), "{forged}");
        }
        db.end_lesson(id, 2, 6).unwrap();
        assert!(db.end_lesson(id, 2, 6).is_err() && db.hand_out(id, &agents, 4, 7).is_err());
        assert!(db.lessons().unwrap().is_empty() && db.lessons_of("8001").unwrap().is_empty());
        assert_eq!(db.holds(9).unwrap().get("c1"), None);
    }
}
