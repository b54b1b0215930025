-- The agent platform's schema, from an empty database to the enterprise
-- edition.  "make demo" runs this file; :versions and :enterprise are the
-- folders of that name beside it.

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
