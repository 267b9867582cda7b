create table stock (item text primary key, quantity integer not null);
