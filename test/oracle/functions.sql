/* test/oracle/functions.sql */

/*
 * What migrate says to one case.  Whatever the case does to the database is
 * undone: its answer leaves it as an error.
 */
CREATE FUNCTION oracle_case(command text[], heads text[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	name text := command[1];
	arguments text[] := ARRAY(SELECT x FROM unnest(command[2:]) WITH ORDINALITY AS u(x, i)
		WHERE x NOT LIKE '--%' ORDER BY i);
	depends_on text[] := ARRAY(SELECT substr(x, 14) FROM unnest(command) AS x
		WHERE x LIKE '--depends-on=%');
	splice boolean := '--splice' = ANY (command);
	purge boolean := '--purge' = ANY (command);
	answer jsonb;
	steps jsonb;
	id text;
	message text;
	detail text;
	hint text;
	code text;
BEGIN
	INSERT INTO alembic_version SELECT unnest(heads);

	IF name IN ('upgrade', 'downgrade', 'stamp') THEN
		/* first as a plan, then in earnest */
		IF name = 'stamp' THEN
			SELECT jsonb_agg(jsonb_build_array(action, revision, to_jsonb(versions)) ORDER BY step)
				INTO steps
				FROM migrate_plan(name, arguments, CASE WHEN purge THEN '{}' ELSE heads END);
			PERFORM migrate_stamp(arguments, purge => purge);
		ELSE
			SELECT jsonb_agg(jsonb_build_array(action, revision, to_jsonb(versions)) ORDER BY step)
				INTO steps
				FROM migrate_plan(name, arguments[1], heads);
			IF name = 'upgrade' THEN
				PERFORM migrate_upgrade(arguments[1]);
			ELSIF cardinality(heads) < 2 OR arguments[1] !~ '^-[0-9]+$' THEN
				PERFORM migrate_downgrade(arguments[1]);
			ELSE
				/* starts from the first row, and a table has none */
				DELETE FROM alembic_version;
				INSERT INTO alembic_version
					SELECT jsonb_array_elements_text(coalesce(steps -> -1 -> 2, to_jsonb(heads)));
			END IF;
		END IF;
		SELECT jsonb_build_object('steps', coalesce(steps, '[]'),
				'heads', coalesce(jsonb_agg(version_num ORDER BY version_num COLLATE "C"), '[]'))
			INTO answer FROM alembic_version;

	ELSIF name = 'history' THEN
		SELECT jsonb_build_object('revisions', coalesce(jsonb_agg(revision), '[]'))
			INTO answer FROM migrate_history(arguments[1]);
	ELSIF name = 'resolve' THEN
		SELECT jsonb_build_object('revisions', coalesce(jsonb_agg(revision), '[]'))
			INTO answer FROM migrate_show(arguments[1]);
	ELSIF name = 'current' THEN
		SELECT jsonb_build_object('revisions',
				coalesce(jsonb_agg(revision ORDER BY revision COLLATE "C"), '[]'))
			INTO answer FROM migrate_current();
	ELSIF name = 'heads' THEN
		SELECT jsonb_build_object('revisions', coalesce(jsonb_agg(revision), '[]'))
			INTO answer FROM migrate_heads()
			WHERE NOT ('--resolve-dependencies' = ANY (command) AND is_effective_head);
	ELSIF name = 'branches' THEN
		SELECT jsonb_build_object('revisions', coalesce(jsonb_agg(revision), '[]'))
			INTO answer FROM migrate_branches();
	ELSIF name = 'info' THEN
		SELECT jsonb_build_object(
				'bases', (SELECT coalesce(jsonb_agg(revision), '[]') FROM migrate_history()
					WHERE down_revisions = '{}'),
				'heads', (SELECT coalesce(jsonb_agg(revision), '[]') FROM migrate_heads()),
				'revisions', coalesce(jsonb_agg(jsonb_build_object('id', revision,
					'is_head', is_head, 'is_branch_point', is_branch_point,
					'is_merge_point', is_merge_point, 'labels', branch_labels)), '[]'))
			INTO answer FROM migrate_history();
	ELSIF name IN ('newrev', 'merge') THEN
		IF name = 'newrev' THEN
			id := migrate_revision('new', head => arguments, splice => splice,
				depends_on => depends_on, rev_id => 'new');
		ELSE
			id := migrate_merge(arguments, 'new', splice => splice, rev_id => 'new');
		END IF;
		SELECT jsonb_build_object('down', down_revisions, 'depends_on', h.depends_on)
			INTO answer FROM migrate_history() h WHERE h.revision = id;
	ELSE
		RAISE 'unknown command %', name;
	END IF;

	RAISE EXCEPTION USING ERRCODE = 'OR000', MESSAGE = answer::text;
EXCEPTION
	WHEN SQLSTATE 'OR000' THEN
		RETURN jsonb_build_object('ok', true) || SQLERRM::jsonb;
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
			detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN jsonb_build_object('ok', false, 'code', code, 'error', message,
			'detail', detail, 'hint', hint);
END
$$;

/*
 * The answers to all cases of one graph, which is loaded for them, and gone
 * afterwards.
 */
CREATE FUNCTION oracle_graph(files text[], cases jsonb)
RETURNS TABLE (number integer, answer jsonb)
LANGUAGE plpgsql AS $$
DECLARE
	answers jsonb := '{}';
	one jsonb;
BEGIN
	BEGIN
		PERFORM migrate_load_files(files);
		FOR one IN SELECT * FROM jsonb_array_elements(cases) LOOP
			answers := answers || jsonb_build_object(one ->> 'number',
				oracle_case(ARRAY(SELECT jsonb_array_elements_text(one -> 'command')),
					ARRAY(SELECT jsonb_array_elements_text(one -> 'heads'))));
		END LOOP;
		RAISE EXCEPTION USING ERRCODE = 'OR001';
	EXCEPTION WHEN SQLSTATE 'OR001' THEN
		NULL;
	END;
	RETURN QUERY SELECT key::integer, value FROM jsonb_each(answers);
END
$$;
