create table line (place integer primary key, account text not null, words text not null);
