-- Run once, when the database is made: the service's own role owns its database and may do nothing else.
\set password `cat /run/secrets/PG_PASS`
\getenv owner PG_USER
\getenv name PG_DB_NAME
CREATE ROLE :"owner" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
-- The superuser is for `docker-compose exec postgres psql -U postgres`, on the socket; over the network it has no password.
ALTER ROLE postgres PASSWORD NULL;
