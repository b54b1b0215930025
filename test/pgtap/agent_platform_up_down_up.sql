--
-- The example's own test, run as its user would.
--
\ir ../../examples/agent_platform/test/up_down_up.sql
