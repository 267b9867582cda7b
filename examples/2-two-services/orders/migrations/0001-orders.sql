create table orders (id text primary key, item text not null, state text not null);
