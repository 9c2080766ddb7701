-- SPDX-License-Identifier: MIT
-- The tables of --export=sqlite, which docs/sqlite-export.md describes. Numbers are named as in
-- --json.

CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE processes (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES processes,
    origin TEXT,
    pid INTEGER NOT NULL,
    executable TEXT NOT NULL
);
CREATE TABLE threads (
    id INTEGER PRIMARY KEY,
    process INTEGER NOT NULL REFERENCES processes,
    tid INTEGER NOT NULL,
    name TEXT NOT NULL
);
CREATE TABLE modules (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    build_id TEXT,
    start INTEGER,
    "end" INTEGER,
    bias INTEGER
);
CREATE TABLE frames (
    id INTEGER PRIMARY KEY,
    module INTEGER REFERENCES modules,
    address INTEGER NOT NULL,
    allocator INTEGER NOT NULL
);
CREATE TABLE lines (
    frame INTEGER NOT NULL REFERENCES frames,
    position INTEGER NOT NULL,
    function TEXT NOT NULL,
    file TEXT,
    line INTEGER,
    text TEXT NOT NULL,
    PRIMARY KEY (frame, position)
) WITHOUT ROWID;
CREATE TABLE stacks (
    id INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES stacks,
    frame INTEGER NOT NULL REFERENCES frames,
    site_frame INTEGER NOT NULL REFERENCES frames,
    site_position INTEGER NOT NULL
);
-- The table sums is made by export_sqlite.c: its numbers are those of json_fields.h.

-- By the place where memory was asked for.
CREATE VIEW sites AS
SELECT function, modules.name AS module, file, line,
    sum(count) AS count, sum(total_bytes) AS total_bytes,
    sum(peak_bytes) AS peak_bytes, sum(peak_count) AS peak_count,
    sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
    sum(temporary) AS temporary, sum(temporary_bytes) AS temporary_bytes,
    sum(reallocations) AS reallocations, sum(failed) AS failed
FROM sums
    JOIN stacks ON stacks.id = sums.stack
    JOIN lines ON lines.frame = site_frame AND position = site_position
    JOIN frames ON frames.id = site_frame
    LEFT JOIN modules ON modules.id = frames.module
GROUP BY function, modules.name, file, line
ORDER BY total_bytes DESC;

CREATE VIEW functions AS
SELECT function, module, file,
    sum(count) AS count, sum(total_bytes) AS total_bytes,
    sum(peak_bytes) AS peak_bytes, sum(peak_count) AS peak_count,
    sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
    sum(temporary) AS temporary, sum(temporary_bytes) AS temporary_bytes,
    sum(reallocations) AS reallocations, sum(failed) AS failed
FROM sites
GROUP BY function, module, file
ORDER BY total_bytes DESC;

-- The same with all that a function calls. One that calls itself counts once in a stack.
CREATE VIEW cumulative AS
WITH RECURSIVE
    leaves AS (
        SELECT stack,
            sum(count) AS count, sum(total_bytes) AS total_bytes,
            sum(peak_bytes) AS peak_bytes, sum(peak_count) AS peak_count,
            sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
            sum(temporary) AS temporary, sum(temporary_bytes) AS temporary_bytes
        FROM sums
        GROUP BY stack
    ),
    callers (leaf, stack) AS (
        SELECT stack, stack FROM leaves
        UNION ALL
        SELECT leaf, parent FROM callers JOIN stacks ON stacks.id = stack
        WHERE parent IS NOT NULL
    ),
    functions_of (leaf, function, module) AS (
        SELECT DISTINCT leaf, function, modules.name
        FROM callers
            JOIN stacks ON stacks.id = stack
            JOIN frames ON frames.id = stacks.frame
            JOIN lines ON lines.frame = frames.id
            LEFT JOIN modules ON modules.id = frames.module
    )
SELECT function, module,
    sum(count) AS count, sum(total_bytes) AS total_bytes,
    sum(peak_bytes) AS peak_bytes, sum(peak_count) AS peak_count,
    sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
    sum(temporary) AS temporary, sum(temporary_bytes) AS temporary_bytes
FROM functions_of JOIN leaves ON leaves.stack = leaf
GROUP BY function, module
ORDER BY total_bytes DESC;

-- Stacks with blocks that were not freed, as text, innermost function first.
CREATE VIEW leaks AS
WITH RECURSIVE
    leaking AS (
        SELECT stack, sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
            sum(count) AS count
        FROM sums
        GROUP BY stack
        HAVING sum(leaked_count) > 0
    ),
    walk (leaf, stack, position, text) AS (
        SELECT stack, stack, -1, '' FROM leaking
        UNION ALL
        SELECT leaf,
            iif(next.position IS NULL, parent, stack),
            ifnull(next.position, -1),
            iif(next.position IS NULL, walk.text,
                iif(walk.text = '', '', walk.text || char(10)) || next.text)
        FROM walk
            JOIN stacks ON stacks.id = stack
            LEFT JOIN lines AS next ON next.frame = stacks.frame
                AND next.position = walk.position + 1
    )
SELECT leaked_bytes, leaked_count, count, leaf AS stack, text
FROM walk JOIN leaking ON leaking.stack = leaf
WHERE walk.stack IS NULL
ORDER BY leaked_bytes DESC, leaked_count DESC, leaf;

CREATE VIEW by_thread AS
SELECT pid, tid, threads.name AS name,
    sum(count) AS count, sum(total_bytes) AS total_bytes,
    sum(peak_bytes) AS peak_bytes, sum(peak_count) AS peak_count,
    sum(leaked_bytes) AS leaked_bytes, sum(leaked_count) AS leaked_count,
    sum(temporary) AS temporary, sum(temporary_bytes) AS temporary_bytes
FROM sums
    JOIN threads ON threads.id = sums.thread
    JOIN processes ON processes.id = threads.process
GROUP BY threads.id
ORDER BY total_bytes DESC;
