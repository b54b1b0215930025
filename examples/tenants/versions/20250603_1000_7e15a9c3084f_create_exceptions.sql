-- Create exceptions
--
-- Something that did not go as the rules of a pack have it, and what happened
-- to it since.
--
-- Revision ID: 7e15a9c3084f
-- Revises: 4b8e62f1d703
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-06-03 10:00:00+00

-- migrate:upgrade
-- "exception" is no reserved word of SQL; only PL/pgSQL knows it as a keyword.
CREATE TABLE exception (
    id             uuid        NOT NULL DEFAULT gen_random_uuid(),
    tenant_id      uuid        NOT NULL,
    kind           text        NOT NULL,
    severity       text        NOT NULL DEFAULT 'medium',
    status         text        NOT NULL DEFAULT 'open',
    payload        jsonb       NOT NULL DEFAULT '{}',
    raised_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT exception_pkey PRIMARY KEY (id),
    CONSTRAINT exception_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT exception_severity_known
        CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT exception_status_known CHECK (status IN ('open', 'resolved', 'escalated'))
);

CREATE INDEX exception_tenant_id_status_idx ON exception (tenant_id, status);

CREATE TABLE exception_event (
    id            bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    tenant_id     uuid        NOT NULL,
    exception_id  uuid        NOT NULL,
    kind          text        NOT NULL,
    payload       jsonb       NOT NULL DEFAULT '{}',
    occurred_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT exception_event_pkey PRIMARY KEY (id),
    CONSTRAINT exception_event_tenant_id_fkey FOREIGN KEY (tenant_id)
        REFERENCES tenant (id) ON DELETE CASCADE,
    CONSTRAINT exception_event_exception_id_fkey FOREIGN KEY (exception_id)
        REFERENCES exception (id) ON DELETE CASCADE
);

CREATE INDEX exception_event_exception_id_idx ON exception_event (exception_id);

COMMENT ON TABLE exception IS 'what did not go by the rules';
COMMENT ON TABLE exception_event IS 'what happened to an exception';

-- migrate:downgrade
DROP TABLE exception_event;
DROP TABLE exception;
