create table customer (id text primary key, country text not null, first_seen text not null);

-- One row for each fact that had an effect. Nothing here is unique, so that an effect too many would show.
create table sighting (line text not null, customer text not null);
