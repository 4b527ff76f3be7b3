-- Roles, database, extension and schemas: what `manage.py database prepare` makes. Run by a superuser, on any database
-- of the server; what exists is left alone. Give the roles their passwords afterwards, with \password.
--     psql -v database=nfcs -f database.sql
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE %I LOGIN NOCREATEDB NOCREATEROLE', role)
FROM unnest(ARRAY['nfcs_owner', 'nfcs_app']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE nfcs_owner SET search_path TO public, nfcs_core, user_mgmt, kuramoto, constitutional, cognitive, validation;
ALTER ROLE nfcs_app SET search_path TO public, nfcs_core, user_mgmt, kuramoto, constitutional, cognitive, validation;
SELECT format('CREATE DATABASE %I OWNER nfcs_owner TEMPLATE template0 ENCODING ''UTF8''', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
\connect :"database"
CREATE EXTENSION IF NOT EXISTS vector SCHEMA public;
CREATE SCHEMA IF NOT EXISTS nfcs_core AUTHORIZATION nfcs_owner;
CREATE SCHEMA IF NOT EXISTS user_mgmt AUTHORIZATION nfcs_owner;
CREATE SCHEMA IF NOT EXISTS kuramoto AUTHORIZATION nfcs_owner;
CREATE SCHEMA IF NOT EXISTS constitutional AUTHORIZATION nfcs_owner;
CREATE SCHEMA IF NOT EXISTS cognitive AUTHORIZATION nfcs_owner;
CREATE SCHEMA IF NOT EXISTS validation AUTHORIZATION nfcs_owner;
GRANT USAGE ON SCHEMA nfcs_core, user_mgmt, kuramoto, constitutional, cognitive, validation TO nfcs_app;
GRANT CREATE ON SCHEMA public TO nfcs_owner;
