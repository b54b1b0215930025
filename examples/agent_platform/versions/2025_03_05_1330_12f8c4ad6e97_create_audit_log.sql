-- Create audit log
--
-- Who changed which agent and which API key, and how.  Entries are added and
-- never changed.
--
-- Revision ID: 12f8c4ad6e97
-- Revises: ce0975b8f3d4
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-03-05 13:30:00+00

-- migrate:upgrade
-- A number as key, because a reader of the log asks for what follows it.  No
-- foreign key: an entry outlives the row, and the organization, it tells of.
CREATE TABLE audit_log (
    id               bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    organization_id  uuid        NOT NULL,
    occurred_at      timestamptz NOT NULL DEFAULT now(),
    actor            text        NOT NULL
        DEFAULT coalesce(nullif(current_setting('app.actor', true), ''), session_user),
    action           text        NOT NULL,
    table_name       text        NOT NULL,
    row_id           uuid        NOT NULL,
    old_row          jsonb,
    new_row          jsonb,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id),
    CONSTRAINT audit_log_action_known CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    CONSTRAINT audit_log_rows_fit_action
        CHECK ((old_row IS NULL) = (action = 'INSERT')
               AND (new_row IS NULL) = (action = 'DELETE'))
);

CREATE INDEX audit_log_organization_id_idx ON audit_log (organization_id, id);
CREATE INDEX audit_log_row_idx ON audit_log (table_name, row_id);

COMMENT ON TABLE audit_log IS 'who changed what; append-only';

CREATE FUNCTION refuse_audit_log_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'entries of table "%" cannot be changed', tg_table_name
        USING ERRCODE = 'insufficient_privilege',
              DETAIL = format('%s was refused.', tg_op);
END;
$$;

COMMENT ON FUNCTION refuse_audit_log_change() IS 'trigger function: keeps the audit log append-only';

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_log_change();

-- Finds audit_log in the schema of the table that was changed, whatever the
-- search path is then.
CREATE FUNCTION record_audit() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    old_row jsonb;
    new_row jsonb;
BEGIN
    -- Not even the hash of a key belongs into the log.
    IF tg_op <> 'INSERT' THEN
        old_row := to_jsonb(old) - 'key_hash';
    END IF;
    IF tg_op <> 'DELETE' THEN
        new_row := to_jsonb(new) - 'key_hash';
    END IF;

    EXECUTE format($insert$
        INSERT INTO %I.audit_log
            (organization_id, action, table_name, row_id, old_row, new_row)
        VALUES (($1 ->> 'organization_id')::uuid, $2, $3, ($1 ->> 'id')::uuid, $4, $5);
    $insert$, tg_table_schema)
    USING coalesce(new_row, old_row), tg_op, tg_table_name, old_row, new_row;

    RETURN NULL;
END;
$function$;

COMMENT ON FUNCTION record_audit() IS 'trigger function: writes the change to the audit log';

CREATE TRIGGER record_audit AFTER INSERT OR UPDATE OR DELETE ON agents
    FOR EACH ROW EXECUTE FUNCTION record_audit();
CREATE TRIGGER record_audit AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION record_audit();

-- migrate:downgrade
DROP TRIGGER record_audit ON api_keys;
DROP TRIGGER record_audit ON agents;
DROP FUNCTION record_audit();
DROP TABLE audit_log;
DROP FUNCTION refuse_audit_log_change();
