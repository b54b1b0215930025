-- Create audit exports
--
-- Where the audit log is sent, and how far it has got there.
--
-- Revision ID: 07fa6e8d92cb
-- Revises: 8c5ab26f01e3
-- Branch Labels:
-- Depends On: 12f8c4ad6e97
-- Create Date: 2025-03-31 09:15:00+00

-- migrate:upgrade
CREATE TABLE audit_exports (
    id                uuid        NOT NULL DEFAULT gen_random_uuid(),
    organization_id   uuid        NOT NULL,
    name              text        NOT NULL,
    destination       text        NOT NULL,
    format            text        NOT NULL DEFAULT 'jsonl',
    last_audit_id     bigint      NOT NULL DEFAULT 0,
    last_exported_at  timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_exports_pkey PRIMARY KEY (id),
    CONSTRAINT audit_exports_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT audit_exports_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT audit_exports_destination_format
        CHECK (destination ~ '^(https|s3)://[^[:space:]]+$'),
    CONSTRAINT audit_exports_format_known CHECK (format IN ('jsonl', 'csv')),
    CONSTRAINT audit_exports_last_audit_id_not_negative CHECK (last_audit_id >= 0)
);

COMMENT ON TABLE audit_exports IS 'where the audit log is sent';

CREATE VIEW audit_export_backlog WITH (security_invoker = true) AS
SELECT x.organization_id,
       x.id AS audit_export_id,
       x.name,
       b.entries,
       b.oldest
FROM audit_exports x
CROSS JOIN LATERAL (
    SELECT count(*) AS entries, min(occurred_at) AS oldest
    FROM audit_log
    WHERE organization_id = x.organization_id AND id > x.last_audit_id
) b;

COMMENT ON VIEW audit_export_backlog IS 'entries that are still to be sent';

-- migrate:downgrade
DROP VIEW audit_export_backlog;
DROP TABLE audit_exports;
