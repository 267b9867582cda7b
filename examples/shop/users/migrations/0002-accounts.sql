-- People who registered by themselves. The password is there as a hash only.
create table account (email text primary key, customer text not null, hash text not null);

-- What signs the tokens of those who are logged in: one row.
create table signing (one integer primary key, secret text not null);
