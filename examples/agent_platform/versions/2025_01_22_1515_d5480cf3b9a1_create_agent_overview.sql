-- Create agent overview
--
-- What the dashboard shows: each agent with its sessions.
--
-- Revision ID: d5480cf3b9a1
-- Revises: 27b90ae6d15f
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-01-22 15:15:00+00

-- migrate:upgrade
-- The view reads with the rights of whoever asks, not of its owner, so that
-- row level security on the tables holds for it too.
CREATE VIEW agent_overview WITH (security_invoker = true) AS
SELECT a.organization_id,
       a.id AS agent_id,
       a.name,
       a.operational_status,
       s.sessions,
       s.active_sessions,
       s.last_started_at
FROM agents a
CROSS JOIN LATERAL (
    SELECT count(*) AS sessions,
           count(*) FILTER (WHERE status = 'active') AS active_sessions,
           max(started_at) AS last_started_at
    FROM sessions
    WHERE organization_id = a.organization_id AND agent_id = a.id
) s;

COMMENT ON VIEW agent_overview IS 'agents, with what they did';

-- migrate:downgrade
DROP VIEW agent_overview;
