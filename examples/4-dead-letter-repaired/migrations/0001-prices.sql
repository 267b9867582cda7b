create table price (number integer primary key, item text not null, price text not null);
