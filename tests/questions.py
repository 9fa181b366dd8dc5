"""Makes the views of a lake in DuckDB and asks the ten questions of docs/schema.md; prints the answers as JSON.

    python tests/questions.py VIEWS.sql SCHEMA.md"""

import json
import pathlib
import re
import sys

import duckdb


def main(views, schema):
    connection = duckdb.connect()
    connection.sql(pathlib.Path(views).read_text())
    questions = pathlib.Path(schema).read_text().split("## Views, and ten questions")[1].split("\n## ")[0]
    answers = []
    for sql in re.findall(r"```sql\n(.*?)```", questions, re.S):
        rows = connection.sql(sql).fetchall()
        answers.append([[v if isinstance(v, (int, float, str, list)) or v is None else str(v) for v in row] for row in rows])
    print(json.dumps(answers, ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
