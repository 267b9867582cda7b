create table parcels (for_order text primary key, contents text not null);
