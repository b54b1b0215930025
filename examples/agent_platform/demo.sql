-- The agent platform's schema, from an empty database to the enterprise
-- edition, and a change of a table that is in use.  "make demo" runs this
-- file; :versions, :enterprise and :online are the folders of that name beside
-- it.

CREATE EXTENSION migrate;

-- Load the project's revision files.  Nothing is run yet.
SELECT count(*) AS loaded FROM migrate_load_directory(:'versions', 'oss');

-- The history, drawn as a graph.
SELECT migrate_graph('text');

-- Everything that is pending, in one statement.
SELECT migrate_upgrade('head');

SELECT * FROM migrate_current();

-- One revision back, and forth again.
SELECT migrate_downgrade('-1');

SELECT migrate_upgrade('head');

-- The enterprise edition: a branch of its own that depends on the product's.
SELECT count(*) AS loaded FROM migrate_load_directory(:'enterprise', 'enterprise');

SELECT revision, branch_labels, message FROM migrate_heads();

SELECT migrate_upgrade('heads');

-- Where the database stands.
SELECT * FROM migrate_status() \gx

-- By now the platform is in use: a change in steps that hold up nobody.
SELECT count(*) AS loaded FROM migrate_load_directory(:'online', 'oss');

-- What each step will lock, as far as its script shows it.
SELECT p.step, p.revision, l.relation, l.mode
FROM migrate_plan('upgrade', 'heads') p, migrate_locks(p.revision) l
ORDER BY p.step, l.relation;

-- Each revision is committed by itself; indexes are built concurrently, in a
-- background worker, and rows are changed in batches.
CALL migrate_deploy('heads', tag => 'content length');

SELECT revision, direction, outcome, statements, tag FROM migrate_log(max_rows => 6);

-- Back, and forth again.
CALL migrate_rollback('online@base');

CALL migrate_deploy('heads');
