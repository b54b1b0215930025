--
-- Tenants: to whom rows belong that more than one foreign key leads to
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS migrate CASCADE;
DROP TABLE IF EXISTS alembic_version;
CREATE EXTENSION migrate;
RESET client_min_messages;
\a
CREATE ROLE regress_migrate_app;
CREATE SCHEMA clinic;
GRANT USAGE ON SCHEMA clinic TO regress_migrate_app;
SET search_path = clinic, public;
CREATE TABLE clinics (id integer PRIMARY KEY);
CREATE TABLE drug (id integer PRIMARY KEY, tenant_id integer REFERENCES clinics, name text);
CREATE TABLE visit (id integer PRIMARY KEY, tenant_id integer NOT NULL REFERENCES clinics);
CREATE TABLE ward (id integer PRIMARY KEY, visit_id integer NOT NULL REFERENCES visit);
CREATE TABLE doctor (id integer PRIMARY KEY, tenant_id integer NOT NULL REFERENCES clinics);
INSERT INTO clinics VALUES (1), (2);
INSERT INTO drug VALUES (1, NULL, 'of all');
INSERT INTO visit VALUES (1, 1), (2, 2);
INSERT INTO ward VALUES (1, 1), (2, 2);
INSERT INTO doctor VALUES (1, 1), (2, 2);
-- a shared parent and an owned one: by one foreign key, by two, and by one that
-- can be NULL
CREATE TABLE prescription (id integer PRIMARY KEY, drug_id integer NOT NULL REFERENCES drug, visit_id integer NOT NULL REFERENCES visit);
CREATE TABLE dose (id integer PRIMARY KEY, drug_id integer NOT NULL REFERENCES drug, ward_id integer NOT NULL REFERENCES ward);
CREATE TABLE sample (id integer PRIMARY KEY, drug_id integer NOT NULL REFERENCES drug, visit_id integer REFERENCES visit);
-- only a shared one
CREATE TABLE price (id integer PRIMARY KEY, drug_id integer NOT NULL REFERENCES drug, amount integer);
-- two that are equally good, of which one is as good as the other, or not
CREATE TABLE visit_doctor (visit_id integer NOT NULL REFERENCES visit, doctor_id integer NOT NULL REFERENCES doctor);
CREATE TABLE transfer (id integer PRIMARY KEY, sender integer NOT NULL REFERENCES doctor, receiver integer NOT NULL REFERENCES doctor);
CREATE TABLE note (id integer PRIMARY KEY, transfer_id integer NOT NULL REFERENCES transfer);
ALTER TABLE visit ADD UNIQUE (tenant_id, id);
ALTER TABLE doctor ADD UNIQUE (tenant_id, id);
CREATE TABLE duty (id integer PRIMARY KEY, clinic integer NOT NULL, visit_id integer NOT NULL, doctor_id integer NOT NULL,
    FOREIGN KEY (clinic, doctor_id) REFERENCES doctor (tenant_id, id),
    FOREIGN KEY (clinic, visit_id) REFERENCES visit (tenant_id, id));
CREATE TABLE twin (id integer PRIMARY KEY, visit_id integer NOT NULL REFERENCES visit,
    CONSTRAINT twin_again FOREIGN KEY (visit_id) REFERENCES visit);
CREATE TABLE icd10 (code text PRIMARY KEY);

SELECT * FROM migrate_tenant_setup('clinics', app_roles => '{regress_migrate_app}');
-- the same before anything is protected as afterwards
SELECT relation, mode, via, path, reason FROM migrate_tenant_plan('clinic') WHERE mode IN ('parent', 'unknown');
SELECT count(*) > 0 FROM migrate_tenant_protect('clinics');
SELECT count(*) > 0 FROM migrate_tenant_protect('drug', 'shared');
SELECT count(*) > 0 FROM migrate_tenant_protect('visit');
SELECT count(*) > 0 FROM migrate_tenant_protect('doctor');
SELECT relation, mode, via, path, reason FROM migrate_tenant_plan('clinic') WHERE mode IN ('parent', 'unknown');

-- Rows that hang on somebody's are that one's, however many shared ones they
-- refer to besides.
\set VERBOSITY terse
SELECT count(*) > 0 FROM migrate_tenant_protect('prescription');
SELECT count(*) > 0 FROM migrate_tenant_protect('ward');
SELECT count(*) > 0 FROM migrate_tenant_protect('dose', 'parent');
SELECT count(*) > 0 FROM migrate_tenant_protect('sample');
\set VERBOSITY default
SELECT relation, via FROM migrate.tenant_table WHERE mode = 'parent' ORDER BY 1;
INSERT INTO prescription VALUES (1, 1, 1), (2, 1, 2);
GRANT SELECT, INSERT ON prescription, visit, drug TO regress_migrate_app;
SET ROLE regress_migrate_app;
BEGIN;
SET LOCAL migrate.tenant = 1;
SELECT * FROM prescription;
INSERT INTO prescription VALUES (3, 1, 1);
ROLLBACK;
RESET ROLE;

-- Against better knowledge, and where there is no other way.
SELECT count(*) > 0 FROM migrate_tenant_protect('prescription', via => 'prescription_drug_id_fkey', dry_run => true);
SELECT count(*) > 0 FROM migrate_tenant_protect('price');
SELECT count(*) > 0 FROM migrate_tenant_protect('price');
SELECT count(*) FROM migrate_tenant_plan('clinic');

-- What is ambiguous is left for somebody to decide.
SELECT * FROM migrate_tenant_protect('visit_doctor');
SELECT * FROM migrate_tenant_protect('visit_doctor', 'parent');
SELECT * FROM migrate_tenant_add_column('visit_doctor');
SELECT * FROM migrate_tenant_protect('transfer');
SELECT * FROM migrate_tenant_protect('note');
SELECT * FROM migrate_tenant_protect_schema('clinic', exclude => '{icd10,twin,duty}');
SELECT count(*) > 0 FROM migrate_tenant_add_column('visit_doctor', via => 'visit_doctor_visit_id_fkey');
SELECT relation, mode, column_name FROM migrate_tenant_plan('clinic') WHERE relation = 'visit_doctor'::regclass;
\set VERBOSITY terse
SELECT count(*) > 0 FROM migrate_tenant_protect('transfer', via => 'transfer_sender_fkey');
SELECT count(*) > 0 FROM migrate_tenant_protect('note');
-- and what is not, is not
SELECT count(*) > 0 FROM migrate_tenant_add_column('duty', dry_run => true);
SELECT count(*) > 0 FROM migrate_tenant_protect('duty');
SELECT count(*) > 0 FROM migrate_tenant_protect('twin');
\set VERBOSITY default
SELECT relation, via, path FROM migrate_tenant_plan('clinic') WHERE relation IN ('note'::regclass, 'duty', 'twin');
-- a table that is protected by a way has that one alone
SELECT count(*) > 0 FROM migrate_tenant_protect('prescription', via => 'prescription_drug_id_fkey');
CREATE TABLE reminder (id integer PRIMARY KEY, prescription_id integer NOT NULL REFERENCES prescription);
SELECT mode, via, path, reason FROM migrate_tenant_plan('clinic') WHERE relation = 'reminder'::regclass;
-- nothing to follow at all
SELECT * FROM migrate_tenant_add_column('icd10');

SET client_min_messages = warning;
SELECT count(*) > 0 FROM migrate_tenant_teardown(cascade => true);
RESET search_path;
DROP SCHEMA clinic CASCADE;
DROP ROLE regress_migrate_app;
