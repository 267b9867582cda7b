create table show (name text primary key, sold integer not null);
