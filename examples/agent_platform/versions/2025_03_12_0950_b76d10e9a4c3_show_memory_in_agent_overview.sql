-- Show memory in agent overview
--
-- The dashboard also shows how much an agent remembers.
--
-- Revision ID: b76d10e9a4c3
-- Revises: 12f8c4ad6e97
-- Branch Labels:
-- Depends On:
-- Create Date: 2025-03-12 09:50:00+00

-- migrate:upgrade
-- Replaced, not dropped: grants stay.  New columns come last for that reason.
CREATE OR REPLACE VIEW agent_overview WITH (security_invoker = true) AS
SELECT a.organization_id,
       a.id AS agent_id,
       a.name,
       a.operational_status,
       s.sessions,
       s.active_sessions,
       s.last_started_at,
       e.episodes,
       f.facts
FROM agents a
CROSS JOIN LATERAL (
    SELECT count(*) AS sessions,
           count(*) FILTER (WHERE status = 'active') AS active_sessions,
           max(started_at) AS last_started_at
    FROM sessions
    WHERE organization_id = a.organization_id AND agent_id = a.id
) s
CROSS JOIN LATERAL (
    SELECT count(*) AS episodes
    FROM episodes
    JOIN sessions ON sessions.organization_id = episodes.organization_id
                 AND sessions.id = episodes.session_id
    WHERE sessions.organization_id = a.organization_id AND sessions.agent_id = a.id
) e
CROSS JOIN LATERAL (
    SELECT count(*) AS facts
    FROM memory_facts
    WHERE organization_id = a.organization_id AND agent_id = a.id
      AND validity @> now()
) f;

-- migrate:downgrade
-- A replaced view cannot lose columns, so the older one is made anew.
DROP VIEW agent_overview;

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
