-- Why a hit was rejected or doubted. Nobody need say so, and rows from before say nothing. The views take the column in by
-- themselves: they read `verdicts` with a star.
ALTER TABLE verdicts ADD COLUMN cause TEXT
    CHECK (cause IS NULL
           OR (cause IN ('misheard', 'wrong_speaker', 'context', 'rule', 'other') AND verdict IN ('rejected', 'unsure')));
