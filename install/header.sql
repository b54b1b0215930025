/* migrate--1.0.sql */

-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION migrate" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

CREATE SCHEMA migrate;
COMMENT ON SCHEMA migrate IS 'revisions, their graph and the log of what was run';
